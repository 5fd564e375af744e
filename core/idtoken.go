package core

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// IDToken is who calls: the claims of a verified token. It is read-only and may be shared by requests that run at the
// same time. Every method works on nil and on the zero value, which are guests, and gives zero values. Printing or logging one shows issuer
// and subject alone.
type IDToken struct{ *identity }

// identity stands behind a pointer so that printing a copy of an IDToken shows an address.
type identity struct {
	raw, issuer, subject string
	audience, scopes     []string
	expiry               time.Time
	since, until         int64 // Unix milliseconds, between which it is good; the leeway is in them
	payload              string
	claims               strictjson.Object // parts of payload
	proof                keyset.Proof
	session              string // what an own token of broker mode can be revoked by, else ""

	rolesOnce sync.Once
	allRoles  []string

	room [usualAudience + usualScopes]string // for the lists
}

// So many entries are made together with the rest.
const (
	usualAudience = 2
	usualScopes   = 6
)

// newIDToken makes both parts at once.
func newIDToken() *IDToken {
	var both struct {
		token    IDToken
		identity identity
	}
	both.token.identity = &both.identity
	return &both.token
}

// IsGuest tells whether nobody is known: no credentials came, or at an optional guard none that count.
func (t *IDToken) IsGuest() bool { return t == nil || t.identity == nil }

// Issuer returns the claim iss. A caller is known by issuer and subject together, never by name or mail address.
func (t *IDToken) Issuer() string {
	if t.IsGuest() {
		return ""
	}
	return t.issuer
}

// Subject returns the claim sub, which a verified token always has.
func (t *IDToken) Subject() string {
	if t.IsGuest() {
		return ""
	}
	return t.subject
}

// Person returns who the caller is at the provider. An own token of broker mode names that by its claims idp_iss and idp_sub;
// of every other token, a trusted service's too, it is Issuer and Subject: those claims are nobody else's to make. Both are ""
// for a guest.
func (t *IDToken) Person() (issuer, subject string) {
	if !t.IsGuest() && t.session != "" { // an own one
		if issuer, subject = t.text("idp_iss"), t.text("idp_sub"); issuer != "" && subject != "" {
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
	return append([]string(nil), t.audience...) // nil for none: the list itself lies in room
}

// Scopes returns a copy of the words of the claim scope, or of scp where a token has that one instead.
func (t *IDToken) Scopes() []string {
	if t.IsGuest() {
		return nil
	}
	return append([]string(nil), t.scopes...)
}

// Expiry returns the claim exp; the zero time for a guest.
func (t *IDToken) Expiry() time.Time {
	if t.IsGuest() {
		return time.Time{}
	}
	return t.expiry
}

// Username returns the first text among preferred_username, user_name, uid and username, hyphens or underscores, any
// case. It may change and be given to somebody else.
func (t *IDToken) Username() string {
	if t.IsGuest() {
		return ""
	}
	return alias(t.claims, usernameAliases)
}

// Email returns the claim email, "" when it is absent or no text. Whether the provider checked the address is the claim
// email_verified.
func (t *IDToken) Email() string { return t.text("email") }

// Name returns the claim name, "" when it is absent or no text.
func (t *IDToken) Name() string { return t.text("name") }

func (t *IDToken) text(name string) string {
	if t.IsGuest() {
		return ""
	}
	text, _ := t.claims.String(name) // a claim of another type is no name
	return text
}

// Roles returns the flattened roles: realm_access.roles, every resource_access.*.roles, groups and roles, in this
// order, each once. A member of another type than a list of texts counts as absent.
func (t *IDToken) Roles() []string { return slices.Clone(t.roles()) }

// roles is Roles without the copy: read once, however many requests the token comes with.
func (t *IDToken) roles() []string {
	if t.IsGuest() {
		return nil
	}
	t.rolesOnce.Do(func() { t.allRoles = t.readRoles() })
	return t.allRoles
}

func (t *IDToken) readRoles() (roles []string) {
	if realm, err := t.claims.Object("realm_access"); err == nil {
		roles = append(roles, texts(realm, "roles")...)
	}
	clients, _ := t.claims.Object("resource_access")
	for _, member := range clients {
		if client, err := clients.Object(member.Name); err == nil {
			roles = append(roles, texts(client, "roles")...)
		}
	}
	roles = append(roles, texts(t.claims, "groups")...)
	return distinct(append(roles, texts(t.claims, "roles")...))
}

// clientRoles are the roles that the token has at one client of the provider.
func (t *IDToken) clientRoles(client string) []string {
	if t.IsGuest() {
		return nil
	}
	clients, _ := t.claims.Object("resource_access")
	if roles, err := clients.Object(client); err == nil {
		return texts(roles, "roles")
	}
	return nil
}

func texts(object strictjson.Object, name string) []string {
	if raw, ok := object.Get(name); !ok || raw[0] != '[' {
		return nil
	}
	list, _ := object.Strings(name) // another type grants nothing
	return list
}

// Claim returns the claim at a dotted path ("realm_access.roles"), decoded as encoding/json does, as a copy; nil when
// there is none. A name that holds dots itself is found first.
func (t *IDToken) Claim(path string) any {
	raw, ok := t.find(path)
	if !ok {
		return nil
	}
	var value any
	if json.Unmarshal([]byte(raw), &value) != nil {
		return nil
	}
	return value
}

func (t *IDToken) find(path string) (value string, ok bool) {
	if t.IsGuest() {
		return "", false
	}
	return walk(t.claims, path)
}

func walk(object strictjson.Object, path string) (value string, ok bool) {
	if raw, ok := object.Get(path); ok {
		return raw, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if inner, err := object.Object(path[:i]); err == nil && inner != nil {
			if raw, ok := walk(inner, path[i+1:]); ok {
				return raw, true
			}
		}
	}
	return "", false
}

// Claims returns all claims, decoded as encoding/json does, as a copy; nil for a guest.
func (t *IDToken) Claims() map[string]any {
	claims, err := ClaimsAs[map[string]any](t)
	if err != nil {
		return nil
	}
	return claims
}

// ClaimsAs decodes all claims into a type of the application's, by the rules of encoding/json. A guest gives the zero
// value; the error is that of the decoder without the claims' text.
func ClaimsAs[T any](t *IDToken) (T, error) {
	var claims T
	if t.IsGuest() {
		return claims, nil
	}
	if json.Unmarshal([]byte(t.payload), &claims) != nil {
		return claims, fmt.Errorf("core: the claims do not fit into %T", claims)
	}
	return claims, nil
}

// Raw returns the token as it came, for calls to other services in the caller's name. It is a secret.
func (t *IDToken) Raw() string {
	if t.IsGuest() {
		return ""
	}
	return t.raw
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

var (
	emailAliases     = []string{"mail", "email"}
	usernameAliases  = []string{"preferred_username", "user_name", "uid", "username"}
	lastNameAliases  = []string{"last_name", "family_name", "name", "surname"}
	firstNameAliases = []string{"first_name", "given_name"}
)

// alias returns the first non-empty text under one of the names, the hyphen spelling before the underscore one. Case
// does not matter: these are names to show, nothing is decided by them.
func alias(claims strictjson.Object, names []string) string {
	for _, name := range names {
		for _, spelling := range []string{strings.ReplaceAll(name, "_", "-"), name} {
			for _, member := range claims {
				if strings.EqualFold(member.Name, spelling) {
					if text, err := claims.String(member.Name); err == nil && text != "" {
						return text
					}
				}
			}
		}
	}
	return ""
}
