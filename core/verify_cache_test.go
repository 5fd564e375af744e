package core_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A token that came before is the very same caller, found without making anything; unless that is switched off.
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

// What a caller does with the list of roles is seen by nobody else.
func TestRememberedRoles(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required(core.Roles("admin"))
	token := idp.token(claims{"roles": []string{"admin", "user"}})
	mustAdmit(t, guard, token).Roles()[0] = "nobody"
	if roles := mustAdmit(t, guard, token).Roles(); len(roles) != 2 || roles[0] != "admin" {
		t.Errorf("roles %v", roles)
	}
}

// The text of a request may change when that is over: neither what was remembered nor how it is found does.
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

// Only the very bytes that were verified are found: a change of any one of them is refused.
func TestRememberedExactly(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	token := idp.token()
	mustAdmit(t, guard, token)
	for i := range len(token) {
		changed := []byte(token)
		if changed[i] ^= 1; changed[i] != '.' { // another letter, or none of the alphabet
			wantStatus(t, guard, string(changed), 401)
		}
	}
	for _, other := range []string{token + "A", token[1:], token + "." + token, strings.ToUpper(token)} {
		wantStatus(t, guard, other, 401)
	}
}

// A token ends at its time, however often it was admitted before.
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

// What the provider's keys are decides on every request: one that is withdrawn, or replaced under its name, is refused with
// the refresh that shows it; tokens of the others stay as they are.
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

// Keys that are too old serve nobody, not even those who came before.
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
