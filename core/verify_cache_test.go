package core_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A cached token gives the same caller without an allocation, unless the cache is disabled.
func TestRememberedToken(t *testing.T) {
	idp := newIDP(t)
	on, off := idp.auth().Required(), idp.auth(func(c *core.Config) { c.TokenCacheSize = -1 }).Required()
	token := idp.token()
	if first := mustAdmit(t, on, token); mustAdmit(t, on, strings.Clone(token)) != first {
		t.Error("the token was verified again")
	}
	if first := mustAdmit(t, off, token); mustAdmit(t, off, token) == first {
		t.Error("the token was remembered though TokenCacheSize is below 0")
	}
	ctx, known := t.Context(), idp.token(claims{"scope": "a b", "realm_access": claims{"roles": []string{"admin"}}})
	credentials := core.Credentials{Header: http.Header{"Authorization": {"Bearer " + known}}}
	for name, guard := range map[string]*core.Guard{"no requirement": on, "scope and role": idp.auth().Required(core.Scopes("a"), core.Roles("admin"))} {
		mustAdmit(t, guard, known)
		if n := testing.AllocsPerRun(100, func() { guard.Admit(ctx, credentials) }); n != 0 {
			t.Errorf("%s: %v allocations for a token that came before", name, n)
		}
	}
}

// The cache has room for as many tokens of usual size as it has entries: almost as many, because each has two sets where it may be.
func TestRememberedTokens(t *testing.T) {
	const size, count = 512, 470
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) { c.TokenCacheSize = size }).Required()
	tokens, callers := make([]string, count), make([]*core.IDToken, count)
	for i := range tokens {
		tokens[i] = idp.token(claims{
			"jti": fmt.Sprintf("onrtac:7a7e5d0d-5a3c-4a0e-8f6d-%012d", i), "sid": "c1b9a6c5-3f0b-4c37-9d5a-77a1f0f7a6de", "acr": "1", "azp": clientID, "typ": "Bearer",
			"realm_access":    claims{"roles": []string{"default-roles-climate", "offline_access", "admin"}},
			"resource_access": claims{"account": claims{"roles": []string{"manage-account", "view-profile"}}},
			"groups":          []string{"/staff/modelling", "/projects/cordex"}, "scope": "openid profile email", "email_verified": true,
			"name": "Alice Bergström", "preferred_username": "alice", "given_name": "Alice", "family_name": "Bergström", "email": "alice@example.org",
		})
		callers[i] = mustAdmit(t, guard, tokens[i])
	}
	kept := 0
	for i, token := range tokens {
		if mustAdmit(t, guard, token) == callers[i] {
			kept++
		}
	}
	if kept < count*98/100 {
		t.Errorf("%d of %d tokens of %d bytes are kept", kept, count, len(tokens[0]))
	}
}

// Changes of the returned list of roles affect no other request.
func TestRememberedRoles(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required(core.Roles("admin"))
	token := idp.token(claims{"roles": []string{"admin", "user"}})
	mustAdmit(t, guard, token).Roles()[0] = "nobody"
	if roles := mustAdmit(t, guard, token).Roles(); len(roles) != 2 || roles[0] != "admin" {
		t.Errorf("roles %v", roles)
	}
}

// The memory of a request may change after it: cached tokens are copies.
func TestRememberedTextIsACopy(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	token := idp.token()
	memory := []byte("Bearer " + token)
	first, err := decide(t.Context(), guard, []string{unsafe.String(&memory[0], len(memory))})
	if err != nil {
		t.Fatal(err)
	}
	other := "Bearer " + idp.sign("stranger", goodHeader, toJSON(goodClaims(claims{"sub": "mallory"})))
	copy(memory, other)
	if mustAdmit(t, guard, token) != first || first.Raw() != token {
		t.Error("the token is not found by its text any more")
	}
	wantStatus(t, guard, strings.TrimPrefix(string(memory), "Bearer "), 401)
}

// The cache finds only exactly the verified text: a token with any changed byte is refused.
func TestRememberedExactly(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	token := idp.token()
	mustAdmit(t, guard, token)
	for i := range len(token) {
		changed := []byte(token)
		if changed[i] ^= 1; changed[i] != '.' { // another character of the alphabet, or one outside it
			wantStatus(t, guard, string(changed), 401)
		}
	}
	for _, other := range []string{token + "A", token[1:], token + "." + token, strings.ToUpper(token)} {
		wantStatus(t, guard, other, 401)
	}
}

// A cached token expires like any other.
func TestRememberedTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		guard := idp.auth().Required()
		token := idp.token()
		for range 62 { // exp is ten minutes away, the leeway half a minute
			mustAdmit(t, guard, token)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(9 * time.Second)
		mustAdmit(t, guard, token)
		time.Sleep(time.Second)
		wantStatus(t, guard, token, 401)
	})
}

// The provider's keys are checked on every request: after the fetch that shows that a key was withdrawn, or replaced under its
// kid, its tokens are refused; tokens of other keys are not affected.
func TestRememberedKeys(t *testing.T) {
	for name, change := range map[string]func(*memoryIDP){
		"withdrawn": func(idp *memoryIDP) { idp.setKids("k1") },
		"replaced under its name": func(idp *memoryIDP) {
			replaced := publicJWK("another")
			replaced["kid"] = "k2"
			idp.change(func() { idp.keySet = toJSON(claims{"keys": []any{publicJWK("k1"), replaced}}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := newIDP(t)
				idp.setKids("k1", "k2")
				guard := idp.auth().Required()
				life := claims{"exp": time.Now().Unix() + 3600}
				stays := idp.sign("k1", goodHeader, toJSON(goodClaims(life)))
				goes := idp.sign("k2", `{"alg":"EdDSA","kid":"k2","typ":"at+jwt"}`, toJSON(goodClaims(life)))
				first := mustAdmit(t, guard, stays)
				mustAdmit(t, guard, goes)
				change(idp)
				time.Sleep(11 * time.Minute) // the set is refreshed when it is twelve minutes old
				mustAdmit(t, guard, goes)
				time.Sleep(2 * time.Minute)
				wantStatus(t, guard, goes, 401)
				if mustAdmit(t, guard, stays) != first {
					t.Error("a refresh has made the guard forget a token of a key that stays")
				}
			})
		})
	}
}

// Stale keys verify nothing, not even cached tokens.
func TestRememberedOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		guard := idp.auth().Required()
		token := idp.sign("k1", goodHeader, toJSON(goodClaims(claims{"exp": time.Now().Unix() + 48*3600})))
		mustAdmit(t, guard, token)
		idp.breaks(says(503, "text/plain", "no"), oidctest.Discovery, oidctest.JWKS)
		time.Sleep(24*time.Hour - time.Minute)
		mustAdmit(t, guard, token)
		time.Sleep(2 * time.Minute)
		wantStatus(t, guard, token, 503)
	})
}
