package claims

import (
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// StepUp is what a login has to be like (RFC 9470): how the person authenticated, and how long ago at most. The zero value demands nothing.
type StepUp struct {
	ACR     []string      `json:"a,omitempty"` // the claim acr is one of them; none: any
	MaxAge  time.Duration `json:"m,omitempty"` // the greatest age of the login; counts only with Bounded
	Bounded bool          `json:"b,omitempty"`
}

// IsZero reports whether s demands nothing.
func (s *StepUp) IsZero() bool { return len(s.ACR) == 0 && !s.Bounded }

// Seconds returns MaxAge for the parameter max_age: rounded down, so that what the provider accepts is recent enough here.
func (s *StepUp) Seconds() int64 { return int64(s.MaxAge / time.Second) }

// MetBy reports whether the login of a token is like this. A claim that is missing or has another type does not meet it. It must not
// allocate: it runs on every request.
func (s *StepUp) MetBy(t *Token, now time.Time, leeway time.Duration) bool {
	if len(s.ACR) > 0 && !slices.Contains(s.ACR, t.Text("acr")) {
		return false
	}
	if !s.Bounded {
		return true
	}
	at := AuthTime(t.Object, now, leeway)
	return at != 0 && now.Sub(time.Unix(at, 0))-leeway <= s.MaxAge
}

// And returns what a login has to be like that meets both; ok is false if none can.
func (s *StepUp) And(other *StepUp) (both StepUp, ok bool) {
	both = *s
	switch {
	case len(s.ACR) == 0:
		both.ACR = other.ACR
	case len(other.ACR) > 0:
		both.ACR = slices.DeleteFunc(slices.Clone(s.ACR), func(value string) bool { return !slices.Contains(other.ACR, value) })
		if len(both.ACR) == 0 {
			return StepUp{}, false
		}
	}
	if other.Bounded && (!s.Bounded || other.MaxAge < s.MaxAge) {
		both.MaxAge, both.Bounded = other.MaxAge, true
	}
	return both, true
}

// AuthTime returns the claim auth_time in Unix seconds, without fractions. It returns 0 if there is none, and for one that cannot be true:
// of another type, before 1970, or in the future by more than leeway.
func AuthTime(object strictjson.Object, now time.Time, leeway time.Duration) int64 {
	seconds, ok, err := object.Number("auth_time", false)
	if err != nil || !ok || seconds < 1 || seconds > float64(now.Add(leeway).Unix()) {
		return 0
	}
	return int64(seconds)
}
