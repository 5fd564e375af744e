package claims

import (
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Text returns a claim, "" if it is absent or not a string.
func (t *Token) Text(name string) string {
	if t == nil {
		return ""
	}
	text, _ := t.Object.String(name) // a claim of another type counts as absent
	return text
}

// Has reports whether the claim is present, of any type.
func (t *Token) Has(name string) bool {
	_, ok := t.Object.Get(name)
	return ok
}

// List returns a claim that is a list of strings, nil if it is anything else.
func (t *Token) List(name string) []string { return texts(t.Object, name) }

// Roles returns the roles of realm_access.roles, resource_access.*.roles of the clients that count (see [Rules]), groups and
// roles, in this order, each once. A member that is not a list of strings counts as absent. The list is computed once and
// shared: do not change it.
func (t *Token) Roles() []string {
	if t == nil {
		return nil
	}
	if known := t.roles.Load(); known != nil {
		return *known
	}
	roles := t.readRoles()
	if !t.roles.CompareAndSwap(nil, &roles) { // another caller was faster
		return *t.roles.Load()
	}
	return roles
}

func (t *Token) readRoles() (roles []string) {
	if realm, err := t.Object.Object("realm_access"); err == nil {
		roles = append(roles, texts(realm, "roles")...)
	}
	clients, _ := t.Object.Object("resource_access")
	for name := range clients.All() {
		if client, err := clients.Object(name); err == nil && t.counts(name) {
			roles = append(roles, texts(client, "roles")...)
		}
	}
	roles = append(roles, texts(t.Object, "groups")...)
	return Distinct(append(roles, texts(t.Object, "roles")...))
}

func (t *Token) counts(client string) bool {
	return t.rules != nil && (t.rules.AllClients || client != "" && client == t.rules.Client)
}

// ClientRoles returns the roles of one client: resource_access.CLIENT.roles.
func (t *Token) ClientRoles(client string) []string {
	if t == nil {
		return nil
	}
	clients, _ := t.Object.Object("resource_access")
	if own, err := clients.Object(client); err == nil {
		return texts(own, "roles")
	}
	return nil
}

func texts(object strictjson.Object, name string) []string {
	if raw, ok := object.Get(name); !ok || raw[0] != '[' {
		return nil
	}
	list, _ := object.Strings(name) // another type counts as absent
	return list
}

// Find returns the JSON text of the claim at a dotted path. A claim whose name itself contains the dots takes precedence.
func (t *Token) Find(path string) (value string, ok bool) {
	if t == nil {
		return "", false
	}
	return walk(t.Object, path)
}

func walk(object strictjson.Object, path string) (value string, ok bool) {
	if raw, ok := object.Get(path); ok {
		return raw, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if inner, err := object.Object(path[:i]); err == nil && inner.Exists() {
			if raw, ok := walk(inner, path[i+1:]); ok {
				return raw, true
			}
		}
	}
	return "", false
}

// Distinct returns the words without duplicates, nil if there are none.
func Distinct(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	out := make([]string, 0, len(words))
	for _, word := range words {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

var (
	emailAliases     = []string{"mail", "email"}
	usernameAliases  = []string{"preferred_username", "user_name", "uid", "username"}
	lastNameAliases  = []string{"last_name", "family_name", "name", "surname"}
	firstNameAliases = []string{"first_name", "given_name"}
)

// Username returns the first non-empty string among preferred_username, user_name, uid and username.
func (t *Token) Username() string {
	if t == nil {
		return ""
	}
	return alias(t.Object, usernameAliases)
}

// Names are the names of a person in the userinfo answer. PwName equals Username.
type Names struct{ Username, LastName, FirstName, PwName, Email string }

// NamesOf maps claims to names; claims that are not strings are ignored. If the last name begins with the first name, as in a
// full name, that part is removed.
func NamesOf(object strictjson.Object) Names {
	info := Names{
		Username: alias(object, usernameAliases), Email: alias(object, emailAliases),
		FirstName: alias(object, firstNameAliases), LastName: alias(object, lastNameAliases),
	}
	if info.FirstName != "" {
		info.LastName = strings.TrimPrefix(info.LastName, info.FirstName+" ")
	}
	info.PwName = info.Username
	return info
}

// alias returns the first non-empty string under one of the names, with hyphens before underscores. It ignores case, because
// these names are only displayed and decide nothing.
func alias(object strictjson.Object, names []string) string {
	for _, name := range names {
		for _, spelling := range []string{strings.ReplaceAll(name, "_", "-"), name} {
			for given := range object.All() {
				if strings.EqualFold(given, spelling) {
					if text, err := object.String(given); err == nil && text != "" {
						return text
					}
				}
			}
		}
	}
	return ""
}
