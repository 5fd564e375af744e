package core

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Token is the answer of the token and callback routes, with the members of the Python library and expires_in beside
// them. Printing or logging one shows "Token(hidden)". [encoding/json.Marshal] writes the tokens, since that is the
// answer's body: log no struct that holds a Token with slog's JSON handler.
type Token struct {
	// AccessToken is what a client sends as bearer.
	AccessToken string `json:"access_token"`
	// TokenType is always "Bearer".
	TokenType string `json:"token_type"`
	// Expires is when the access token ends, in Unix seconds.
	Expires int64 `json:"expires"`
	// ExpiresIn is the same in seconds from now.
	ExpiresIn int64 `json:"expires_in"`
	// RefreshToken is "" when there is none; an answer leaves it out then, for clients that refuse an empty one.
	RefreshToken string `json:"refresh_token,omitempty"`
	// RefreshExpires is when the refresh token ends, in Unix seconds: far away when the provider names no end, equal to
	// Expires when there is no refresh token.
	RefreshExpires int64 `json:"refresh_expires"`
	// Scope holds the granted scopes, separated by spaces.
	Scope string `json:"scope"`
	// IssuedTokenType is there after a token exchange alone (RFC 8693 section 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	caller *IDToken
}

// Caller returns who logged in: in passthrough mode from the verified ID token of this exchange, nil when the provider
// sent none, as some do after a refresh; in broker mode as guards will see the caller of this access token.
func (t *Token) Caller() *IDToken { return t.caller }

// String hides the token.
func (t Token) String() string { return "Token(hidden)" }

// GoString hides the token.
func (t Token) GoString() string { return t.String() }

// Format hides the token from every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue hides the token from every [slog.Handler].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// grantCheck says what an exchange at the provider has to bring.
type grantCheck struct {
	nonce   string // of the login, "" when it is not known here
	idToken need   // when nobody is logged in without one
	scope   string // what was asked for, when the answer does not say what was granted
}

// need says when an answer without an ID token is refused. A browser's login is nothing without one: the application
// would be told of a login of nobody.
type need int

const (
	never     need = iota // a refresh, a device: verified where one comes
	ifGranted             // openid was asked for, and is not missing in what was granted
	always
)

// Lifetimes that are assumed when a provider says nothing.
const assumedExpiry = 180 * time.Second

// providerAnswer is a provider's answer that has passed all checks.
type providerAnswer struct {
	*Token
	access *IDToken // nil when the access token is opaque, or for another service
}

// accept turns a provider's answer into a Token: the ID token fully verified, its subject that of the access token. An
// answer to a refresh without a new refresh token has the old one in it already (x/oauth2 sees to it).
func (a *Auth) accept(ctx context.Context, answer *oauth2.Token, check grantCheck) (*providerAnswer, error) {
	if kind := answer.TokenType; kind != "" && !strings.EqualFold(kind, "bearer") {
		return nil, nonsense("The OIDC provider gave a token of a type that this service cannot use.", nil)
	}
	scope, fits := textMember(answer, "scope")
	if access, _ := textMember(answer, "access_token"); !fits || access != answer.AccessToken {
		return nil, nonsense("The OIDC provider gave an unusable answer.", nil)
	}
	caller, err := a.caller(ctx, answer, check, scope)
	if err != nil {
		return nil, err
	}
	access, err := a.verifyProviderAccess(ctx, answer.AccessToken)
	if caller != nil && isOutage(err) {
		return nil, err // its subject cannot be compared
	}
	if err != nil {
		access = nil // opaque, or for another service: good for the client, nothing to compare with
	}
	if access != nil && caller != nil && access.Subject() != caller.Subject() {
		return nil, loginRefused()
	}
	token := &Token{AccessToken: answer.AccessToken, TokenType: "Bearer", RefreshToken: answer.RefreshToken, Scope: scope, caller: caller}
	if token.Scope == "" {
		token.Scope = check.scope
		if access != nil && len(access.scopes) > 0 {
			token.Scope = strings.Join(access.scopes, " ")
		}
	}
	if err := token.setTimes(answer, time.Now(), access, a.cfg.sessionTTL()); err != nil {
		return nil, err
	}
	return &providerAnswer{Token: token, access: access}, nil
}

// sessionTTL is how long a refresh token is good for when the provider names no end.
func (c *Config) sessionTTL() time.Duration {
	if c.Broker == nil {
		return unlimitedRefresh
	}
	return c.Broker.SessionTTL
}

func loginRefused() *Error {
	return badRequest(CodeInvalidGrant, "invalid_grant: the provider's ID token is not valid for this login")
}

// caller verifies the ID token: demanded where openid was granted at a login, verified wherever one comes.
func (a *Auth) caller(ctx context.Context, answer *oauth2.Token, check grantCheck, scope string) (*IDToken, error) {
	raw, fits := textMember(answer, "id_token")
	if !fits {
		return nil, nonsense("The OIDC provider gave an unusable answer.", nil)
	}
	if raw == "" {
		granted := strings.Fields(scope)
		withOpenID := len(granted) == 0 || slices.Contains(granted, "openid")
		if check.idToken == always || check.idToken == ifGranted && withOpenID {
			return nil, loginRefused()
		}
		return nil, nil
	}
	caller, err := a.verifyIDToken(ctx, raw, answer.AccessToken, check.nonce)
	if err == nil {
		return caller, nil
	}
	if isOutage(err) {
		return nil, err
	}
	return nil, loginRefused()
}

// textMember returns a text of the answer, "" when it is absent or null; false when it has another type.
func textMember(answer *oauth2.Token, name string) (string, bool) {
	value := answer.Extra(name)
	text, ok := value.(string)
	return text, ok || value == nil
}

// setTimes reads the ends of both tokens: absolute ones first, then those from now (WIRE contract). A refresh token
// that the provider says ends at 0, or nothing about, has no end that anybody knows.
func (t *Token) setTimes(answer *oauth2.Token, now time.Time, access *IDToken, unlimited time.Duration) error {
	expires, err := endOf(answer, "", now)
	if err != nil {
		return err
	}
	if expires == 0 {
		expires = now.Add(assumedExpiry).Unix()
		if access != nil {
			expires = access.Expiry().Unix()
		}
	}
	t.Expires, t.ExpiresIn = expires, max(0, expires-now.Unix())
	if t.RefreshToken == "" {
		t.RefreshExpires = t.Expires
		return nil
	}
	if t.RefreshExpires, err = endOf(answer, "refresh_", now); err == nil && t.RefreshExpires == 0 {
		t.RefreshExpires = now.Add(unlimited).Unix()
	}
	return err
}

func endOf(answer *oauth2.Token, prefix string, now time.Time) (int64, error) {
	names := []string{prefix + "exp", prefix + "expires", prefix + "expires_at", prefix + "expires_in"}
	for _, name := range names {
		seconds, ok := numberMember(answer, name)
		if !ok {
			return 0, nonsense("The OIDC provider gave an unusable answer.", nil)
		}
		if seconds <= 0 {
			continue
		}
		if strings.HasSuffix(name, "_in") {
			seconds += float64(now.Unix())
		}
		return unixTime(math.Trunc(seconds)).Unix(), nil
	}
	return 0, nil
}

// isOutage reports whether an error is a 503: what may be tried again.
func isOutage(err error) bool {
	refused, ok := err.(*Error) //nolint:errorlint // made by this package, never wrapped
	return ok && refused.Status == http.StatusServiceUnavailable
}

// numberMember returns a number of the answer, also one that stands as text; 0 when absent or null, false when it is
// something else.
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
