package session

import (
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Seat is a browser session in the memory of this process. Concurrent requests share it; only its atomic fields change.
type Seat struct {
	Token    *verify.Token // the claims of the person, as in an own token; Raw is empty
	ID       string        // of the row, not a secret
	Provider string        // the issuer of the login
	Started  time.Time
	Expires  time.Time         // absolute end, even with requests
	Shown    map[string]string // JSON of the provider's claims that a script may see
	// Owner is the value that the application sees for this seat.
	Owner any

	all, single string // names in the revocation list: of all sessions of the person, and of the session at the provider
	begun       time.Time
	heard       time.Time // last answer of the provider about the person
	read        time.Time // when the row was read
	renewable   bool      // there is a refresh token

	node       tokencache.Node[*Seat]      // its place in the cache
	quiet      atomic.Int64                // until then a request needs only the revocation list, in Unix milliseconds
	alive      atomic.Pointer[feed.Moment] // state of the revocation list in which the session was last found alive
	idle, seen atomic.Int64                // Unix milliseconds; idle 0: no idle timeout
	touching   atomic.Bool                 // Store.Touch is running
	renewing   atomic.Bool                 // a request to the provider is running
	notBefore  atomic.Int64                // earliest time of the next request to the provider, in Unix milliseconds
}

// IdleExpires returns when the session ends without further requests; the zero time if it has no idle timeout.
func (s *Seat) IdleExpires() time.Time {
	if ms := s.idle.Load(); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// Seen returns the time of the last request that was written to the store.
func (s *Seat) Seen() time.Time { return time.UnixMilli(s.seen.Load()) }

// isIdle reports whether the session has ended because of inactivity.
func (s *Seat) isIdle(now time.Time) bool {
	idle := s.idle.Load()
	return idle != 0 && now.UnixMilli() >= idle
}

// later moves an atomic time forward, never back.
func later(at *atomic.Int64, to time.Time) {
	for ms := to.UnixMilli(); ; {
		old := at.Load()
		if old >= ms || at.CompareAndSwap(old, ms) {
			return
		}
	}
}
