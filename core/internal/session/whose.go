package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
)

// OwnerOf returns the hash by which rows identify a person.
func OwnerOf(issuer, subject string) []byte { return hashed("owner", issuer, subject) }

// ProviderSessionOf returns the hash by which rows identify a session at the provider, nil without a sid.
func ProviderSessionOf(issuer, sid string) []byte {
	if sid == "" {
		return nil
	}
	return hashed("session", issuer, sid)
}

func hashed(kind, issuer, name string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + issuer + "\x00" + name))
	return sum[:]
}

// endName returns the name of all sessions with this hash in the revocation list. IDs of sessions have no dot.
func endName(hash []byte) string {
	if len(hash) == 0 {
		return ""
	}
	return "all." + base64.RawURLEncoding.EncodeToString(hash)
}

// hasEnded reports whether a session was revoked, by its ID or by the name of all sessions of its owner that began before.
func (v *Vault) hasEnded(ctx context.Context, id, owner string, begun time.Time) (bool, error) {
	ended, err := v.feed.Has(ctx, id)
	if err != nil || ended || owner == "" {
		return ended, err
	}
	return v.feed.EndedSince(ctx, owner, begun)
}

// slipped ends a new session if its person, or its session at the provider, was ended during the login. EndAll writes the list and then
// reads the rows; a login writes its row and then reads the list: at least one of the two sees the other. all and single are the names
// in the list; each may be "".
func (v *Vault) slipped(ctx context.Context, id, all, single string, begun time.Time) error {
	names := slices.DeleteFunc([]string{all, single}, func(name string) bool { return name == "" })
	list, err := v.cfg.Store.RevokedAmong(ctx, names, stored.Time(time.Now()))
	if err != nil {
		return fault.Down(fault.Store, err)
	}
	for _, entry := range list {
		if entry.ID == single || entry.At.After(begun) {
			_, _ = v.endSession(ctx, id, time.Now()) // what the provider gave is not kept: whoever logs in gives it back
			return ended()
		}
	}
	return nil
}
