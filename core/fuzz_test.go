package core_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// FuzzClaimPath: whatever the claims and the path are, Claim gives what encoding/json reads at that place.
func FuzzClaimPath(f *testing.F) {
	f.Add(`{"realm_access":{"roles":["a"]}}`, "realm_access.roles")
	f.Add(`{"a.b":{"c":1},"a":{"b":{"c":2},"b.c":3}}`, "a.b.c")
	f.Add(`{"":{"":{"":null}}}`, "..")
	f.Add(`[1]`, "0")
	f.Add(`"x"`, ".")
	idp := newIDP(f)
	guard := idp.auth().Required()
	f.Fuzz(func(t *testing.T, value, path string) {
		if !json.Valid([]byte(value)) {
			return
		}
		caller, err := admit(t, guard, idp.sign("k1", goodHeader, rawClaims("x", value)))
		if err != nil {
			return // not strict JSON
		}
		got := caller.Claim("x." + path)
		if want, found := lookUp(caller.Claims(), "x."+path); found && !reflect.DeepEqual(got, want) || !found && got != nil {
			t.Fatalf("Claim(%q) of %s is %v, want %v", "x."+path, value, got, want)
		}
		caller.Roles()
	})
}

// lookUp is the rule in another form: the longest name first is not asked for, the whole rest of the path as a name is.
func lookUp(value any, path string) (any, bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	if found := object[path]; found != nil {
		return found, true
	}
	for i, c := range []byte(path) {
		if c == '.' {
			if found, ok := lookUp(object[path[:i]], path[i+1:]); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// FuzzScopes: the words of a token's scope are those between single spaces, and every word that is asked for is judged
// by that alone.
func FuzzScopes(f *testing.F) {
	f.Add("read write", "read")
	f.Add("  read\twrite  ", "write")
	f.Add("read", "read write")
	f.Add("", " ")
	f.Add("é \u00a0x", "x")
	idp := newIDP(f)
	auth := idp.auth()
	f.Fuzz(func(t *testing.T, scope, wanted string) {
		token := idp.sign("k1", goodHeader, toJSON(goodClaims(claims{"scope": scope})))
		caller, err := admit(t, auth.Required(), token)
		if len(token) > jose.MaxTokenSize {
			return // refused unread
		}
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		words := caller.Scopes()
		for i, word := range words {
			if word == "" || strings.Contains(word, " ") || slices.Contains(words[:i], word) {
				t.Fatalf("%q has the words %q", scope, words)
			}
		}
		want := len(strings.Fields(wanted)) > 0
		for _, word := range strings.Fields(wanted) {
			want = want && slices.Contains(words, word) && strings.IndexFunc(word, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) < 0
		}
		if _, err := admit(t, auth.Required(core.Scopes(wanted)), caller.Raw()); (err == nil) != want {
			t.Fatalf("token with %q, wanted %q: %v", scope, wanted, err)
		}
	})
}
