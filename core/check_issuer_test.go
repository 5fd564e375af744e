package core_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	template = "https://idp.example/{tenantid}/v2.0"
	oldForm  = "https://old.idp.example/{tenantid}/"
	tenantA  = "aaaaaaaa-0000-4000-8000-00000000000a"
	tenantB  = "bbbbbbbb-0000-4000-8000-00000000000b"
	unlisted = "cccccccc-0000-4000-8000-00000000000c"
)

func of(template, tenant string) string {
	return strings.Replace(template, "{tenantid}", tenant, 1)
}

// keyFor is a published key that names an issuer; "" names none.
func keyFor(kid, issuer string) claims {
	key := publicJWK(kid)
	if issuer != "" {
		key["issuer"] = issuer
	}
	return key
}

// newTenants makes a provider of many tenants, and a service that accepts two of them.
func newTenants(t *testing.T, changes ...func(*core.Config)) (*memoryIDP, *core.Guard) {
	t.Helper()
	idp := newIDP(t)
	idp.metadata = claims{"issuer": template}
	idp.keySet = toJSON(claims{"keys": []any{
		keyFor("all", template), keyFor("old", oldForm), keyFor("none", ""), keyFor("a", of(template, tenantA)), keyFor("a-old", of(oldForm, tenantA)),
		keyFor("unlisted", of(template, unlisted)), keyFor("other", "https://evil.example"),
		claims{"kty": "OKP", "crv": "Ed25519", "kid": "list", "x": publicJWK("list")["x"], "issuer": []string{template}},
	}})
	service := idp.auth(append([]func(*core.Config){func(c *core.Config) {
		c.Issuer, c.IssuerAliases, c.Tenants = template, []string{oldForm}, []string{tenantA, strings.ToUpper(tenantB)}
	}}, changes...)...)
	return idp, service.Required()
}

func (idp *memoryIDP) by(kid string, changes ...claims) string {
	return idp.sign(kid, `{"alg":"EdDSA","kid":"`+kid+`","typ":"at+jwt"}`, toJSON(goodClaims(changes...)))
}

// A token of a listed tenant is of that tenant: its issuer is the template with the tenant, whichever spelling the token has. Everything
// that is at odds is refused.
func TestTenants(t *testing.T) {
	for name, c := range map[string]struct {
		kid    string
		claims claims
		issuer string // "": refused
	}{
		"a tenant":                             {"all", claims{"iss": of(template, tenantA), "tid": tenantA}, of(template, tenantA)},
		"another tenant":                       {"all", claims{"iss": of(template, tenantB), "tid": tenantB}, of(template, tenantB)},
		"the other spelling":                   {"all", claims{"iss": of(oldForm, tenantB), "tid": tenantB}, of(template, tenantB)},
		"a key of the other spelling":          {"old", claims{"iss": of(template, tenantB), "tid": tenantB}, of(template, tenantB)},
		"a key without issuer":                 {"none", claims{"iss": of(template, tenantA), "tid": tenantA}, of(template, tenantA)},
		"the tenant's own key":                 {"a", claims{"iss": of(template, tenantA), "tid": tenantA}, of(template, tenantA)},
		"the tenant's own key, other spelling": {"a-old", claims{"iss": of(template, tenantA), "tid": tenantA}, of(template, tenantA)},

		"the key of another tenant":             {"a", claims{"iss": of(template, tenantB), "tid": tenantB}, ""},
		"the key of a tenant that is not there": {"unlisted", claims{"iss": of(template, tenantA), "tid": tenantA}, ""},
		"the key of another issuer":             {"other", claims{"iss": of(template, tenantA), "tid": tenantA}, ""},
		"a key whose issuer is no text":         {"list", claims{"iss": of(template, tenantA), "tid": tenantA}, ""},
		"iss and tid at odds":                   {"all", claims{"iss": of(template, tenantA), "tid": tenantB}, ""},
		"iss listed, tid not":                   {"all", claims{"iss": of(template, tenantA), "tid": unlisted}, ""},
		"no tid":                                {"all", claims{"iss": of(template, tenantA)}, ""},
		"tid empty":                             {"all", claims{"iss": of(template, tenantA), "tid": ""}, ""},
		"tid a list":                            {"all", claims{"iss": of(template, tenantA), "tid": []string{tenantA}}, ""},
		"tid in capitals":                       {"all", claims{"iss": of(template, tenantA), "tid": strings.ToUpper(tenantA)}, ""},
		"another TID beside":                    {"all", claims{"iss": of(template, tenantA), "tid": tenantA, "TID": tenantB}, ""},
		"a tenant that is not listed":           {"all", claims{"iss": of(template, unlisted), "tid": unlisted}, ""},
		"the same, tid listed":                  {"all", claims{"iss": of(template, unlisted), "tid": tenantA}, ""},
		"the template":                          {"all", claims{"iss": template, "tid": tenantA}, ""},
		"the template, tid too":                 {"all", claims{"iss": template, "tid": "{tenantid}"}, ""},
		"a trailing slash":                      {"all", claims{"iss": of(template, tenantA) + "/", "tid": tenantA}, ""},
		"a path between":                        {"all", claims{"iss": of(template, tenantA+"/"+tenantA), "tid": tenantA}, ""},
		"no iss":                                {"all", claims{"iss": nil, "tid": tenantA}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			idp, guard := newTenants(t)
			token := idp.by(c.kid, c.claims)
			if c.issuer == "" {
				wantStatus(t, guard, token, http.StatusUnauthorized)
				return
			}
			for range 2 { // the second time from the cache
				if who := mustAdmit(t, guard, token); who.Issuer() != c.issuer || who.Subject() != "alice" {
					t.Errorf("%s %s", who.Issuer(), who.Subject())
				}
			}
		})
	}
}

// A token of a tenant that is not listed causes no fetch.
func TestTenantsUnlisted(t *testing.T) {
	idp, guard := newTenants(t)
	for _, iss := range []string{of(template, unlisted), of(oldForm, unlisted), template, oldForm} {
		wantStatus(t, guard, idp.by("all", claims{"iss": iss, "tid": tenantA}), http.StatusUnauthorized)
	}
	if n := idp.count(discoveryPath) + idp.count(keysPath); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

// The document must have the template, as for every other issuer.
func TestTenantsDocument(t *testing.T) {
	idp, guard := newTenants(t)
	idp.change(func() { idp.metadata = claims{"issuer": of(template, tenantA)} })
	idp.keySet = `{"keys":[]}`
	wantStatus(t, guard, idp.by("all", claims{"iss": of(template, tenantA), "tid": tenantA}), http.StatusServiceUnavailable)
}

// Another spelling of an issuer is that issuer, at a guard.
func TestIssuerAliases(t *testing.T) {
	const alias = "idp.example" // as Google's, without a scheme
	idp := newIDP(t)
	service := idp.auth(func(c *core.Config) { c.Issuer, c.IssuerAliases = issuer, []string{alias} })
	for _, iss := range []string{issuer, alias} {
		if who := mustAdmit(t, service.Required(), idp.token(claims{"iss": iss})); who.Issuer() != issuer {
			t.Errorf("%s: %s", iss, who.Issuer())
		}
	}
	for _, iss := range []string{issuer + "/", "https://" + alias, alias + "/", strings.ToUpper(alias)} {
		wantStatus(t, service.Required(), idp.token(claims{"iss": iss}), http.StatusUnauthorized)
	}
}

// A login, a refresh and a browser's session with ID tokens of the other spelling: the person is one of the canonical issuer.
func TestIssuerAliasLogin(t *testing.T) {
	for _, broker := range []bool{false, true} {
		idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
		service := flowOver(t, idp, func(c *core.Config) {
			if c.Issuer, c.IssuerAliases = idp.Issuer(), []string{"the.idp"}; broker {
				brokered()(c)
			}
		})
		service.idp.Tamper(oidctest.IDTokens, func(token oidctest.Claims) { token["iss"] = "the.idp" })
		token := service.at(service.idp, "alice", nil)
		again := flowGranted(t, service.post("token", url.Values{"refresh_token": {token.RefreshToken}}))
		if again.AccessToken == "" {
			t.Error("no refresh")
		}
		who, err := service.admit(again.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		got := who.Issuer()
		if broker {
			got, _ = who.Person()
		}
		if got != idp.Issuer() {
			t.Errorf("broker %v: %s", broker, got)
		}
	}
}

// New refuses settings that would accept other issuers than meant.
func TestIssuerFaults(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*core.Config)
		says   string
	}{
		"a template alone":        {func(c *core.Config) { c.Issuer = template }, "Config.Tenants: empty"},
		"tenants alone":           {func(c *core.Config) { c.Tenants = []string{tenantA} }, "Config.Issuer"},
		"tenants and one issuer":  {func(c *core.Config) { c.Issuer, c.Tenants = issuer, []string{tenantA} }, "{tenantid}"},
		"two marks":               {func(c *core.Config) { c.Issuer, c.Tenants = template+"{tenantid}", []string{tenantA} }, "once"},
		"common":                  {func(c *core.Config) { c.Issuer, c.Tenants = template, []string{"common"} }, `"common"`},
		"a domain":                {func(c *core.Config) { c.Issuer, c.Tenants = template, []string{"example.org"} }, "Tenants"},
		"an empty tenant":         {func(c *core.Config) { c.Issuer, c.Tenants = template, []string{""} }, "Tenants"},
		"too many tenants":        {func(c *core.Config) { c.Issuer, c.Tenants = template, slices.Repeat([]string{tenantA}, 10_001) }, "10000"},
		"an alias without issuer": {func(c *core.Config) { c.IssuerAliases = []string{"x"} }, "Config.Issuer: empty"},
		"an empty alias":          {func(c *core.Config) { c.Issuer, c.IssuerAliases = issuer, []string{""} }, "IssuerAliases"},
		"white space":             {func(c *core.Config) { c.Issuer, c.IssuerAliases = issuer, []string{"x "} }, "IssuerAliases"},
		"nine aliases":            {func(c *core.Config) { c.Issuer, c.IssuerAliases = issuer, slices.Repeat([]string{"x"}, 9) }, "IssuerAliases"},
		"a template as alias":     {func(c *core.Config) { c.Issuer, c.IssuerAliases = issuer, []string{oldForm} }, "only then"},
		"an alias without the mark": {func(c *core.Config) {
			c.Issuer, c.Tenants, c.IssuerAliases = template, []string{tenantA}, []string{"x"}
		}, "only then"},
		"an alias that is another's issuer": {func(c *core.Config) {
			c.Issuer, c.IssuerAliases = issuer, []string{"https://b.example"}
			c.Providers = []core.Provider{{Name: "b", ClientID: "b", DiscoveryURL: "https://b.example/.well-known/openid-configuration"}}
		}, "same issuer"},
		"a tenant twice": {func(c *core.Config) {
			c.Issuer, c.Tenants = template, []string{tenantA}
			c.Providers = []core.Provider{{Name: "b", ClientID: "b", DiscoveryURL: of(template, tenantA) + "/.well-known/openid-configuration"}}
		}, "same issuer"},
		"a tenant in two lists": {func(c *core.Config) {
			c.Issuer, c.Tenants = template, []string{tenantA}
			c.Providers = []core.Provider{{Name: "b", ClientID: "b", DiscoveryURL: c.DiscoveryURL, Issuer: template, Tenants: []string{tenantB, tenantA}}}
		}, "same issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			config := newIDP(t).config()
			c.change(&config)
			if auth, err := core.New(config); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v %v", auth, err)
			}
		})
	}
}

// Two entries may share a provider if their tenants differ: two registrations, for instance.
func TestTenantsOfTwoEntries(t *testing.T) {
	idp, guard := newTenants(t, func(c *core.Config) {
		c.Tenants = []string{tenantA}
		c.Providers = []core.Provider{{Name: "b", ClientID: "b", DiscoveryURL: c.DiscoveryURL, Issuer: template, Tenants: []string{tenantB}, JWKSURL: issuer + "/jwks"}}
	})
	if who := mustAdmit(t, guard, idp.by("all", claims{"iss": of(template, tenantA), "tid": tenantA})); who.Issuer() != of(template, tenantA) {
		t.Error(who.Issuer())
	}
	wantStatus(t, guard, idp.by("all", claims{"iss": of(template, tenantB), "tid": tenantB}), http.StatusUnauthorized) // aud is the other client
}

// A login at a provider of many tenants: two people of different tenants with one subject are two people, in the tokens of broker mode too, and
// an ID token of a tenant that is not listed logs nobody in.
func TestTenantsLogin(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutIssParameter(), oidctest.WithOpaqueTokens())
	form := idp.Issuer() + "/{tenantid}/v2.0"
	idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["issuer"] = form })
	f := flowOver(t, idp, brokered(func(c *core.Config) { c.Issuer, c.Tenants = form, []string{tenantA, tenantB} }))
	tenant := ""
	idp.Tamper(oidctest.IDTokens, func(token oidctest.Claims) { token["iss"], token["tid"] = of(form, tenant), tenant })
	var subjects []string
	var refresh string
	for _, tenant = range []string{tenantA, tenantB} {
		token := f.at(idp, "alice", nil)
		who, err := f.admit(token.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if issuer, subject := who.Person(); issuer != of(form, tenant) || subject != "alice" {
			t.Errorf("%s %s", issuer, subject)
		}
		subjects, refresh = append(subjects, who.Subject()), token.RefreshToken
	}
	if subjects[0] == subjects[1] {
		t.Errorf("one own subject for two people: %s", subjects[0])
	}
	tenant = tenantA // the refreshed ID token is about a person of another tenant
	if answer := f.post("token", url.Values{"refresh_token": {refresh}}); answer.Status != http.StatusUnauthorized {
		t.Errorf("refresh: %d %s", answer.Status, answer.Body)
	}
	tenant = unlisted
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	back, err := idp.Approve(target.String(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	answer := f.post("token", url.Values{"code": {back.Query().Get("code")}, "redirect_uri": {flowRedirect}, "code_verifier": {back.Query().Get("state")}})
	if answer.Status < 400 {
		t.Errorf("a person of a tenant that is not listed: %d", answer.Status)
	}
}
