package core

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// IDToken is the caller of a request: the claims of a verified token. For a bearer token these are the claims of the access
// token, despite the name. For a browser session they have the form of a token that this service issues. An IDToken is
// read-only, and concurrent requests may share it. nil and the zero value are guests, for whom every method returns a zero
// value. Printing or logging an IDToken shows only issuer and subject.
type IDToken struct {
	token *verify.Token // behind a pointer, so that printing a copy of an IDToken shows an address
}

// newToken makes an empty token and its IDToken in one allocation.
func newToken() *verify.Token {
	both := new(struct {
		public IDToken
		token  verify.Token
	})
	both.public.token, both.token.Owner = &both.token, &both.public
	return &both.token
}

// idTokenOf returns the IDToken of a token, nil for nil.
func idTokenOf(token *verify.Token) *IDToken {
	if token == nil {
		return nil
	}
	public, _ := token.Owner.(*IDToken) // newToken made both
	return public
}

// IsGuest reports whether the caller is unknown: the request had no credentials, or an optional guard did not accept them.
func (t *IDToken) IsGuest() bool { return t == nil || t.token == nil }

// verified returns the token itself, nil for a guest.
func (t *IDToken) verified() *verify.Token {
	if t.IsGuest() {
		return nil
	}
	return t.token
}

// claims returns the claims of the token, nil for a guest.
func (t *IDToken) claims() *claims.Token {
	if t.IsGuest() {
		return nil
	}
	return &t.token.Token
}

// Issuer returns the claim iss; for a browser session, PublicURL. Identify a caller by issuer and subject together, or by
// [IDToken.Person], never by name or email address.
func (t *IDToken) Issuer() string {
	if t.IsGuest() {
		return ""
	}
	return t.token.Issuer
}

// Subject returns the claim sub, which a verified token always has.
func (t *IDToken) Subject() string {
	if t.IsGuest() {
		return ""
	}
	return t.token.Subject
}

// Person returns issuer and subject of the caller at the provider. For a browser session, and for a token issued here in
// broker mode, these are the claims idp_iss and idp_sub. For every other token, those of trusted services included, they are
// Issuer and Subject, because no other issuer may set idp_iss and idp_sub. Both are "" for a guest.
func (t *IDToken) Person() (issuer, subject string) {
	if !t.IsGuest() && t.token.Session != "" { // issued here
		if issuer, subject = t.token.Text("idp_iss"), t.token.Text("idp_sub"); issuer != "" && subject != "" {
			return issuer, subject
		}
	}
	return t.Issuer(), t.Subject()
}

// Audience returns a copy of the claim aud; a single string becomes a list of one. nil: the token has none.
func (t *IDToken) Audience() []string {
	if t.IsGuest() {
		return nil
	}
	return append([]string(nil), t.token.Audience...) // nil if empty; copied because the list lies inside the token
}

// Scopes returns a copy of the scopes in the claim scope, or in scp if the token has that one instead. nil: the token has none.
func (t *IDToken) Scopes() []string {
	if t.IsGuest() {
		return nil
	}
	return append([]string(nil), t.token.Scopes...)
}

// Expiry returns the claim exp; for a browser session, its end at the latest; the zero time for a guest.
func (t *IDToken) Expiry() time.Time {
	if t.IsGuest() {
		return time.Time{}
	}
	return t.token.Expiry
}

// Username returns the first string among the claims preferred_username, user_name, uid and username, spelled with hyphens
// or underscores in any case; "" if there is none. It is not an identifier: it may change, and may later belong to another person.
func (t *IDToken) Username() string { return t.claims().Username() }

// Email returns the claim email, "" if it is absent or not a string. The claim email_verified says whether the provider has
// verified the address.
func (t *IDToken) Email() string { return t.claims().Text("email") }

// Name returns the claim name, "" if it is absent or not a string.
func (t *IDToken) Name() string { return t.claims().Text("name") }

// Roles returns the roles of all sources, each once: realm_access.roles, resource_access.<ClientID>.roles, groups and roles, in
// this order. Roles at other clients count only with Config.RolesOfAllClients: an administrator of another application is not one
// here. A claim that is not a list of strings counts as absent.
func (t *IDToken) Roles() []string { return slices.Clone(t.claims().Roles()) }

// Claim returns a copy of the claim at a dotted path ("realm_access.roles"), decoded by encoding/json; nil if there is none.
// A claim whose name itself contains the dots takes precedence.
func (t *IDToken) Claim(path string) any {
	raw, ok := t.claims().Find(path)
	if !ok {
		return nil
	}
	var value any
	if json.Unmarshal([]byte(raw), &value) != nil {
		return nil
	}
	return value
}

// Claims returns a copy of all claims, decoded by encoding/json; nil for a guest.
func (t *IDToken) Claims() map[string]any {
	all, err := ClaimsAs[map[string]any](t)
	if err != nil {
		return nil
	}
	return all
}

// ClaimsAs decodes all claims into a T by the rules of encoding/json, with one exception: a field takes only the claim with exactly
// its name, also in nested structs. So it reads the same claims as [IDToken.Claim]; encoding/json would also accept "Email" for a
// field named email. Most claims have names in lower case, so fields need tags:
//
//	struct {
//		Department string `json:"department"`
//	}
//
// Types with an UnmarshalJSON method, json.RawMessage among them, get the token's own text. For a guest it returns the zero
// value. The error says that the claims do not fit into T, without their text.
func ClaimsAs[T any](t *IDToken) (T, error) {
	var claims T
	if t.IsGuest() {
		return claims, nil
	}
	if json.Unmarshal(exactly[T](t.token.Payload()), &claims) != nil {
		return claims, fmt.Errorf("core: the claims do not fit into %T", claims)
	}
	return claims, nil
}

// exactly returns of a token's claims what a type has fields for.
func exactly[T any](payload string) []byte { return claims.Exact(payload, reflect.TypeFor[T]()) }

// Raw returns the bearer token as received; "" for a browser session. It is a secret. For calls to other services on behalf of
// the caller, use [Auth.AccessToken], which works for every caller.
func (t *IDToken) Raw() string {
	if t.IsGuest() {
		return ""
	}
	return t.token.Raw
}

// LogValue returns issuer and subject, for package log/slog.
func (t *IDToken) LogValue() slog.Value {
	return slog.GroupValue(slog.String("iss", t.Issuer()), slog.String("sub", t.Subject()))
}

// Format writes issuer and subject, for every verb of package fmt.
func (t *IDToken) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "IDToken(%s %s)", t.Issuer(), t.Subject())
}

// IDTokenFrom returns the caller that a guard admitted, from the request's context: nil for a guest, and without a guard.
func IDTokenFrom(ctx context.Context) *IDToken {
	if found, ok := ctx.Value(callerKey{}).(*admitted); ok {
		return found.token
	}
	return nil
}

// WithIDToken returns a context with a caller, where [IDTokenFrom] finds it: for tests of handlers and for calls without a
// guard. nil makes a guest. With a guard, use [Decision.Context] instead.
func WithIDToken(ctx context.Context, token *IDToken) context.Context {
	return Decision{Caller: token}.Context(ctx)
}
