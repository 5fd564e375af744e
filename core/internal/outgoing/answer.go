package outgoing

import (
	"encoding/base64"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

const (
	maxToken = 16 << 10       // bytes
	maxLife  = 24 * time.Hour // in the cache
)

// The types of tokens that can be sent as bearer tokens (RFC 8693 section 3).
var bearerTypes = []string{"", "urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"}

// Read returns the token of a provider's answer to a request that began at a time. It lives as long as expires_in says, but not longer than
// from iat to exp, if it is a JWT; both are true whatever the provider's clock says. Without expires_in, its end is exp. The error is a fault of kind Unusable.
func Read(answer *provider.Answer, began time.Time) (Token, error) {
	kind, fits := answer.Text("issued_token_type")
	switch {
	case !strings.EqualFold(answer.TokenType, "bearer") && answer.TokenType != "", !fits || !slices.Contains(bearerTypes, kind):
		return Token{}, fault.Bad(fault.TokenType, nil)
	case len(answer.AccessToken) > maxToken || strings.ContainsFunc(answer.AccessToken, isOdd):
		return Token{}, fault.Bad(fault.Provider, nil)
	}
	token := Token{Text: answer.AccessToken, Begins: began}
	life, fits := answer.Number("expires_in")
	if !fits || life < 0 {
		return Token{}, fault.Bad(fault.Provider, nil)
	}
	said := Said(token.Text)
	switch {
	case life == 0:
		token.Expires = said.Expires
	case !said.Issued.IsZero() && said.Expires.After(said.Issued):
		life = math.Min(life, said.Expires.Sub(said.Issued).Seconds())
		fallthrough
	default:
		token.Expires = began.Add(time.Duration(math.Min(life, maxLife.Seconds()) * float64(time.Second)))
	}
	if !token.Good(time.Now()) {
		return Token{}, fault.Bad(fault.Provider, nil)
	}
	return token, nil
}

// isOdd reports whether a bearer token cannot contain a character (RFC 6750 section 2.1). Providers' opaque tokens have a few that the
// standard does not list.
func isOdd(r rune) bool { return r <= ' ' || r > '~' }

// Claims are what a token says about itself.
type Claims struct {
	Audience, Scopes []string
	Issued, Expires  time.Time // zero: it does not say
}

// Said returns what a token says, without verifying it: it comes from the provider. The result is empty if the token is no JWT.
func Said(token string) Claims {
	_, rest, _ := strings.Cut(token, ".")
	encoded, _, found := strings.Cut(rest, ".")
	payload, err := base64.RawURLEncoding.DecodeString(encoded)
	if !found || err != nil || len(token) > maxToken {
		return Claims{}
	}
	object, err := strictjson.Parse(string(payload))
	if err != nil {
		return Claims{}
	}
	var said Claims
	said.Issued, said.Expires = timeOf(object, "iat"), timeOf(object, "exp")
	if names, err := object.Strings("aud"); err == nil {
		said.Audience = names
	}
	words, err := object.Strings("scope")
	if err == nil {
		said.Scopes = strings.Fields(strings.Join(words, " "))
	}
	return said
}

// timeOf returns a claim with seconds since 1970, the zero time if there is none.
func timeOf(object strictjson.Object, name string) time.Time {
	seconds, _, err := object.Number(name, false)
	if err != nil || seconds < 1 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
