package session

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"golang.org/x/oauth2"
)

// assumedExpiry is the lifetime of an access token if neither the answer nor the token states one.
const assumedExpiry = 180 * time.Second

// setTimes reads the expiry of both tokens from the answer. Absolute times take precedence over lifetimes. If the expiry of the refresh
// token is missing or 0, unlimited is its lifetime.
func (g *Grant) setTimes(answer *oauth2.Token, now time.Time, unlimited time.Duration) error {
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

func endOf(answer *oauth2.Token, prefix string, now time.Time) (int64, error) {
	for _, name := range []string{prefix + "exp", prefix + "expires", prefix + "expires_at", prefix + "expires_in"} {
		seconds, ok := numberMember(answer, name)
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

// numberMember returns a number of the answer, which may be a text. It returns 0 if the member is absent or null, and false if it has
// another type.
func numberMember(answer *oauth2.Token, name string) (float64, bool) {
	switch value := answer.Extra(name).(type) {
	case nil:
		return 0, true
	case float64:
		return value, true
	case string:
		number, err := strconv.ParseFloat(value, 64)
		return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
	default:
		return 0, false
	}
}

// textMember returns a text of the answer. It returns "" if the member is absent or null, and false if it has another type.
func textMember(answer *oauth2.Token, name string) (string, bool) {
	value := answer.Extra(name)
	text, ok := value.(string)
	return text, ok || value == nil
}
