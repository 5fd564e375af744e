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

// IDToken is who calls: the claims of a verified token. It is read-only and may be shared by requests that run at the
// same time. Every method works on nil and on the zero value, which are guests, and gives zero values. Printing or logging one shows issuer
// and subject alone.
type IDToken struct {
	token *verify.Token // behind a pointer, so that printing a copy of an IDToken shows an address
}

// newToken makes an empty token and the IDToken of it at once.
func newToken() *verify.Token {
	both := new(struct {
		public IDToken
		token  verify.Token
	})
	both.public.token, both.token.Owner = &both.token, &both.public
	return &both.token
}

// idTokenOf returns what the application sees of a token; nil for none.
func idTokenOf(token *verify.Token) *IDToken {
	if token == nil {
		return nil
	}
	public, _ := token.Owner.(*IDToken) // newToken made both
	return public
}

// IsGuest reports whether nobody is known: no credentials came, or at an optional guard none that count.
func (t *IDToken) IsGuest() bool { return t == nil || t.token == nil }

// verified is the token behind it; nil for a guest.
func (t *IDToken) verified() *verify.Token {
	if t.IsGuest() {
		return nil
	}
	return t.token
}

// claims are those of the token; nil for a guest, which has none.
func (t *IDToken) claims() *claims.Token {
	if t.IsGuest() {
		return nil
	}
	return &t.token.Token
}

// Issuer returns the claim iss. A caller is known by issuer and subject together, never by name or mail address.
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

// Person returns who the caller is at the provider. An own token of broker mode names that by its claims idp_iss and idp_sub;
// of every other token, a trusted service's too, it is Issuer and Subject: those claims are nobody else's to make. Both are ""
// for a guest.
func (t *IDToken) Person() (issuer, subject string) {
	if !t.IsGuest() && t.token.Session != "" { // an own one
		if issuer, subject = t.token.Text("idp_iss"), t.token.Text("idp_sub"); issuer != "" && subject != "" {
			return issuer, subject
		}
	}
	return t.Issuer(), t.Subject()
}

// Audience returns a copy of the claim aud, a single text as a list of one.
func (t *IDToken) Audience() []string {
	if t.IsGuest() {
		return nil
	}
	return append([]string(nil), t.token.Audience...) // nil for none: the list itself lies in room
}

// Scopes returns a copy of the words of the claim scope, or of scp where a token has that one instead.
func (t *IDToken) Scopes() []string {
	if t.IsGuest() {
		return nil
	}
	return append([]string(nil), t.token.Scopes...)
}

// Expiry returns the claim exp; the zero time for a guest.
func (t *IDToken) Expiry() time.Time {
	if t.IsGuest() {
		return time.Time{}
	}
	return t.token.Expiry
}

// Username returns the first text among preferred_username, user_name, uid and username, hyphens or underscores, any
// case. It may change and be given to somebody else.
func (t *IDToken) Username() string { return t.claims().Username() }

// Email returns the claim email, "" when it is absent or no text. Whether the provider checked the address is the claim
// email_verified.
func (t *IDToken) Email() string { return t.claims().Text("email") }

// Name returns the claim name, "" when it is absent or no text.
func (t *IDToken) Name() string { return t.claims().Text("name") }

// Roles returns the flattened roles: realm_access.roles, resource_access.<ClientID>.roles, groups and roles, in this order, each
// once. The roles of other clients count with Config.RolesOfAllClients alone: an administrator of another application is
// none here. A member of another type than a list of texts counts as absent.
func (t *IDToken) Roles() []string { return slices.Clone(t.claims().Roles()) }

// Claim returns the claim at a dotted path ("realm_access.roles"), decoded as encoding/json does, as a copy; nil when
// there is none. A name that holds dots itself is found first.
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

// Claims returns all claims, decoded as encoding/json does, as a copy; nil for a guest.
func (t *IDToken) Claims() map[string]any {
	all, err := ClaimsAs[map[string]any](t)
	if err != nil {
		return nil
	}
	return all
}

// ClaimsAs decodes all claims into a type of the application's, by the rules of encoding/json but for one: a field is filled by the
// claim of exactly its name, in nested structs too. So it reads what [IDToken.Claim] reads, whatever other spelling of a name
// stands in the token. Names of claims are mostly in lower case, so that fields need tags:
//
//	struct {
//		Department string `json:"department"`
//	}
//
// Types with an UnmarshalJSON of their own, json.RawMessage among them, get what stands in the token. A guest gives the zero
// value; the error is that of the decoder without the claims' text.
func ClaimsAs[T any](t *IDToken) (T, error) {
	var claims T
	if t.IsGuest() {
		return claims, nil
	}
	if json.Unmarshal(exactly[T](t.token.Payload), &claims) != nil {
		return claims, fmt.Errorf("core: the claims do not fit into %T", claims)
	}
	return claims, nil
}

// exactly returns of a token's claims what a type has fields for.
func exactly[T any](payload string) []byte { return claims.Exact(payload, reflect.TypeFor[T]()) }

// Raw returns the token as it came, for calls to other services in the caller's name. It is a secret.
func (t *IDToken) Raw() string {
	if t.IsGuest() {
		return ""
	}
	return t.token.Raw
}

// LogValue gives issuer and subject.
func (t *IDToken) LogValue() slog.Value {
	return slog.GroupValue(slog.String("iss", t.Issuer()), slog.String("sub", t.Subject()))
}

// Format writes issuer and subject for every verb.
func (t *IDToken) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "IDToken(%s %s)", t.Issuer(), t.Subject())
}

// IDTokenFrom returns the caller whom a guard admitted, from the request's context: nil for a guest, and where no guard
// stood before.
func IDTokenFrom(ctx context.Context) *IDToken {
	if found, ok := ctx.Value(callerKey{}).(*admitted); ok {
		return found.token
	}
	return nil
}

// WithIDToken returns a context that carries a caller, for tests of handlers and for calls that no guard stands before; nil makes
// a guest. Behind a guard it is [Decision.Context] that does it.
func WithIDToken(ctx context.Context, token *IDToken) context.Context {
	return Decision{Caller: token}.Context(ctx)
}
