package core_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A logout token under another spelling of the issuer ends the sessions of the canonical one, whichever spelling their ID tokens had. A
// spelling that is not listed ends none.
func TestLogoutTokensOfIssuerAliases(t *testing.T) {
	const alias = "idp.example" // as Google's, without a scheme
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
		w := newWebOn(t, func(c *core.Config) {
			c.Issuer, c.IssuerAliases = idp.Issuer(), []string{alias}
			mode(c)
		}, idp)
		var login, sid string
		idp.Tamper(oidctest.IDTokens, func(token oidctest.Claims) {
			token["iss"] = login
			sid, _ = token["sid"].(string)
		})
		for _, login = range []string{idp.Issuer(), alias} {
			for _, iss := range []string{idp.Issuer(), alias} {
				for _, bySession := range []bool{false, true} {
					b := w.browser()
					b.logIn("alice")
					whom := oidctest.Claims{}
					if bySession {
						whom["sid"] = sid
					}
					for _, stranger := range []string{idp.Issuer() + "/", "https://" + alias, strings.ToUpper(alias)} {
						whom["iss"] = stranger
						if answer := w.backChannel(idp.LogoutToken("alice", whom)); answer.StatusCode != http.StatusBadRequest {
							t.Errorf("a logout token of %s: %d", stranger, answer.StatusCode)
						}
					}
					if status := b.status("/page"); status != http.StatusOK {
						t.Fatalf("an issuer that is not listed ended the session: %d", status)
					}
					whom["iss"] = iss
					if answer := w.backChannel(idp.LogoutToken("alice", whom)); answer.StatusCode != http.StatusOK {
						t.Errorf("login of %s, logout of %s: %d %s", login, iss, answer.StatusCode, body(answer))
					}
					if status := b.status("/page"); status != http.StatusUnauthorized {
						t.Errorf("login of %s, logout of %s, by sid %v: the session lives on: %d", login, iss, bySession, status)
					}
				}
			}
		}
	})
}

// A logout token is used once, whichever spelling it names.
func TestLogoutTokenTwiceUnderAliases(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	w := newWebOn(t, func(c *core.Config) { c.Issuer, c.IssuerAliases = idp.Issuer(), []string{"idp.example"} }, idp)
	for _, c := range []struct {
		iss  string
		want int
	}{{idp.Issuer(), http.StatusOK}, {"idp.example", http.StatusBadRequest}} {
		if answer := w.backChannel(idp.LogoutToken("alice", oidctest.Claims{"iss": c.iss, "jti": "one"})); answer.StatusCode != c.want {
			t.Errorf("%s: %d", c.iss, answer.StatusCode)
		}
	}
}

// newTenantsWeb makes a web application at a provider of many tenants, of which it accepts two. The provider's key names keyIssuer, whose host
// idp.example stands for the provider. tenant is the one of the next login.
func newTenantsWeb(t *testing.T, mode func(*core.Config), keyIssuer string, tenant *string) (w *web, form, old string) {
	t.Helper()
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutIssParameter(), oidctest.WithOpaqueTokens())
	form, old = idp.Issuer()+"/{tenantid}/v2.0", oldForm
	idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["issuer"] = form })
	idp.Tamper(oidctest.JWKSDocuments, func(document oidctest.Claims) {
		for _, key := range document["keys"].([]any) {
			key.(oidctest.Claims)["issuer"] = strings.Replace(keyIssuer, "https://idp.example/", idp.Issuer()+"/", 1)
		}
	})
	idp.Tamper(oidctest.IDTokens, func(token oidctest.Claims) { token["iss"], token["tid"] = of(form, *tenant), *tenant })
	w = newWebOn(t, func(c *core.Config) {
		c.Issuer, c.IssuerAliases, c.Tenants = form, []string{old}, []string{tenantA, tenantB}
		mode(c)
	}, idp)
	return w, form, old
}

// A logout token of a tenant ends the sessions of that tenant's person, and not those of the namesake in another tenant. A token that is at
// odds with itself, or of a tenant that is not listed, ends none.
func TestLogoutTokensOfTenants(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		tenant := tenantA
		w, form, old := newTenantsWeb(t, mode, template, &tenant)
		alice := w.browser()
		alice.visit("/page", "alice")
		tenant = tenantB
		namesake := w.browser()
		namesake.visit("/page", "alice")
		if a, b := alice.status("/page"), namesake.status("/page"); a != 200 || b != 200 {
			t.Fatalf("before: %d and %d", a, b)
		}
		for what, whom := range map[string]oidctest.Claims{
			"a tenant that is not listed":       {"iss": of(form, unlisted), "tid": unlisted},
			"in the other spelling":             {"iss": of(old, unlisted), "tid": unlisted},
			"the same, tid listed":              {"iss": of(form, unlisted), "tid": tenantA},
			"iss and tid at odds":               {"iss": of(form, tenantA), "tid": tenantB},
			"iss at odds in the other spelling": {"iss": of(old, tenantA), "tid": tenantB},
			"iss listed, tid not":               {"iss": of(form, tenantA), "tid": unlisted},
			"no tid":                            {"iss": of(form, tenantA)},
			"tid empty":                         {"iss": of(form, tenantA), "tid": ""},
			"tid a list":                        {"iss": of(form, tenantA), "tid": []string{tenantA}},
			"another TID beside":                {"iss": of(form, tenantA), "tid": tenantA, "TID": tenantB},
			"the template":                      {"iss": form, "tid": tenantA},
		} {
			if answer := w.backChannel(w.idp.LogoutToken("alice", whom)); answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d %s", what, answer.StatusCode, body(answer))
			}
			if a, b := alice.status("/page"), namesake.status("/page"); a != 200 || b != 200 {
				t.Fatalf("%s: afterwards %d and %d", what, a, b)
			}
		}
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"iss": of(form, tenantA), "tid": tenantA})); answer.StatusCode != http.StatusOK {
			t.Errorf("of the first tenant: %d %s", answer.StatusCode, body(answer))
		}
		if a, b := alice.status("/page"), namesake.status("/page"); a != 401 || b != 200 {
			t.Errorf("after a logout in the first tenant: %d and %d", a, b)
		}
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"iss": of(old, tenantB), "tid": tenantB})); answer.StatusCode != http.StatusOK {
			t.Errorf("of the second tenant, in the other spelling: %d %s", answer.StatusCode, body(answer))
		}
		if status := namesake.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("after a logout in the second tenant: %d", status)
		}
	})
}

// The key of a logout token is one for all tenants or for the token's own one.
func TestKeysOfTenantsLogoutTokens(t *testing.T) {
	for keyIssuer, want := range map[string]int{
		template: 200, oldForm: 200, of(template, tenantA): 200, of(oldForm, tenantA): 200,
		of(template, tenantB): 400, of(template, unlisted): 400, "https://evil.example": 400,
	} {
		tenant := tenantA
		w, form, _ := newTenantsWeb(t, func(*core.Config) {}, keyIssuer, &tenant)
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"iss": of(form, tenantA), "tid": tenantA})); answer.StatusCode != want {
			t.Errorf("a key of %s: %d %s", keyIssuer, answer.StatusCode, body(answer))
		}
	}
}

// A logout token of a tenant that is not listed causes no fetch.
func TestLogoutTokenOfUnlistedTenant(t *testing.T) {
	tenant := tenantA
	w, form, _ := newTenantsWeb(t, func(*core.Config) {}, template, &tenant)
	if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"iss": of(form, unlisted), "tid": unlisted})); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", answer.StatusCode)
	}
	if n := w.idp.Hits(oidctest.Discovery) + w.idp.Hits(oidctest.JWKS); n != 0 {
		t.Errorf("%d fetches", n)
	}
}
