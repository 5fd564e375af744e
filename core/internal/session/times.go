package session

import (
	"math"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// assumedExpiry is the lifetime of an access token if neither the answer nor the token states one.
const assumedExpiry = 180 * time.Second

// setTimes reads the expiry of both tokens from the answer. Absolute times take precedence over lifetimes. If the expiry of the refresh
// token is missing or 0, unlimited is its lifetime.
func (g *Grant) setTimes(answer *provider.Answer, now time.Time, unlimited time.Duration) error {
	expires, err := endOf(answer, "", now)
	if err != nil {
		return err
	}
	if expires == 0 {
		expires = now.Add(assumedExpiry).Unix()
		if g.Access != nil {
			expires = g.Access.Expiry.Unix()
		}
	}
	g.Expires, g.ExpiresIn = expires, max(0, expires-now.Unix())
	if g.RefreshToken == "" {
		g.RefreshExpires = g.Expires
		return nil
	}
	if g.RefreshExpires, err = endOf(answer, "refresh_", now); err == nil && g.RefreshExpires == 0 {
		g.RefreshExpires = now.Add(unlimited).Unix()
	}
	return err
}

func endOf(answer *provider.Answer, prefix string, now time.Time) (int64, error) {
	for _, name := range []string{prefix + "exp", prefix + "expires", prefix + "expires_at", prefix + "expires_in"} {
		seconds, ok := answer.Number(name)
		if !ok {
			return 0, fault.Bad(fault.Provider, nil)
		}
		if seconds <= 0 {
			continue
		}
		if strings.HasSuffix(name, "_in") {
			seconds += float64(now.Unix())
		}
		return claims.Time(math.Trunc(seconds)).Unix(), nil
	}
	return 0, nil
}
