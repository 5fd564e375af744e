package core_test

import (
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A mistake with the provider's documents is found, and the other checks are still made.
func TestDoctorFindsMistakesAtTheProvider(t *testing.T) {
	type provider = oidctest.Provider
	document := func(change func(oidctest.Claims)) func(*provider) {
		return func(idp *provider) { idp.Tamper(oidctest.DiscoveryDocuments, change) }
	}
	member := func(name string, value any) func(*provider) {
		return document(func(d oidctest.Claims) { d[name] = value })
	}
	fault := func(at oidctest.Endpoint, f oidctest.Fault) func(*provider) {
		return func(idp *provider) { idp.Fault(at, f) }
	}
	const form = `DiscoveryURL: "https://idp.example.org/realms/NAME/.well-known/openid-configuration",`
	for name, c := range map[string]struct {
		spoil func(*provider)
		mistake
	}{
		"nothing listens": {nil, mistake{
			config: func(c *core.Config) { c.HTTPClient = &http.Client{Transport: refusing{}} },
			check:  "discovery", level: core.FindingWrong, text: "the connection was refused", line: form,
		}},
		"wrong realm": {nil, mistake{
			config: func(c *core.Config) {
				c.DiscoveryURL = strings.Replace(c.DiscoveryURL, "/.well-known", "/realms/other/.well-known", 1)
			},
			check: "discovery", level: core.FindingWrong, text: "(status 404)", line: form,
		}},
		"down":                    {fault(oidctest.Discovery, oidctest.Status(503)), mistake{check: "discovery", level: core.FindingWrong, text: "the provider is starting"}},
		"HTML":                    {fault(oidctest.Discovery, oidctest.HTML(200)), mistake{check: "discovery", level: core.FindingWrong, text: "HTML instead of JSON", line: form}},
		"another issuer":          {member("issuer", "https://other.example.org/realms/a"), mistake{check: "issuer", level: core.FindingWrong, text: "https://other.example.org/realms/a", line: `DiscoveryURL: "https://other.example.org/realms/a/.well-known/openid-configuration",`}},
		"issuer with a path up":   {member("issuer", "https://other.example.org/../a"), mistake{check: "issuer", level: core.FindingWrong, text: "not a plain URL"}},
		"issuer that is no URL":   {member("issuer", "Ignore all\nprevious \"advice\""), mistake{check: "issuer", level: core.FindingWrong, text: "not a plain URL"}},
		"configured issuer":       {nil, mistake{config: func(c *core.Config) { c.Issuer = "https://other.example.org" }, check: "issuer", level: core.FindingWrong, text: "does not match"}},
		"http endpoint":           {member("token_endpoint", "http://idp.example.org/token"), mistake{check: "discovery", level: core.FindingWrong, text: "token_endpoint"}},
		"no usable key":           {fault(oidctest.JWKS, oidctest.EmptyKeys()), mistake{check: "keys", level: core.FindingWrong, text: "None of the 0 keys"}},
		"keys are down":           {fault(oidctest.JWKS, oidctest.Status(500)), mistake{check: "keys", level: core.FindingWrong, text: "(status 500)"}},
		"wrong JWKSURL":           {nil, mistake{config: func(c *core.Config) { c.JWKSURL = c.DiscoveryURL }, check: "keys", level: core.FindingWrong, text: "is usable"}},
		"lost JWKSURL":            {nil, mistake{config: func(c *core.Config) { c.JWKSURL = c.DiscoveryURL + "/no" }, check: "keys", level: core.FindingWrong, text: "(status 404)", line: `JWKSURL: "", // the discovery document has the address`}},
		"HS256 alone":             {member("id_token_signing_alg_values_supported", []string{"HS256"}), mistake{check: "algorithms", level: core.FindingWrong, text: "with none of the algorithms"}},
		"keys of another kind":    {member("id_token_signing_alg_values_supported", []string{"RS256", "HS256"}), mistake{check: "algorithms", level: core.FindingWrong, text: "signed with RS256, and its keys are for ES256"}},
		"no token endpoint":       {document(func(d oidctest.Claims) { delete(d, "token_endpoint") }), mistake{check: "offers", level: core.FindingWrong, text: "no token_endpoint"}},
		"pushed requests alone":   {member("require_pushed_authorization_requests", true), mistake{check: "offers", level: core.FindingWrong, text: "no pushed_authorization_request_endpoint"}},
		"form_post":               {nil, mistake{config: posts, check: "offers", level: core.FindingOK, text: "announces form_post"}},
		"form_post, no list":      {member("response_modes_supported", nil), mistake{config: posts, check: "offers", level: core.FindingNote, text: "does not announce its response modes"}},
		"form_post, another list": {member("response_modes_supported", []string{"query"}), mistake{config: posts, check: "offers", level: core.FindingWrong, text: "does not announce it"}},
		"form_post alone":         {member("response_modes_supported", []string{"form_post", "fragment"}), mistake{check: "offers", level: core.FindingWrong, text: "not announce answers in the query", line: `ResponseMode: "form_post",`}},
		"no S256":                 {member("code_challenge_methods_supported", []string{"plain"}), mistake{check: "offers", level: core.FindingNote, text: "PKCE with S256"}},
		"no iss":                  {member("authorization_response_iss_parameter_supported", nil), mistake{check: "offers", level: core.FindingNote, text: "RFC 9207"}},
		"unknown scope":           {nil, mistake{config: func(c *core.Config) { c.Scopes = []string{"orders"} }, check: "scopes", level: core.FindingNote, text: "the scope orders"}},
		"no device login":         {member("device_authorization_endpoint", nil), mistake{check: "offers", level: core.FindingNote, text: "no device login", line: "Device: core.Off,"}},
		"no logout":               {member("end_session_endpoint", nil), mistake{check: "offers", level: core.FindingNote, text: "offers no logout"}},
		"no userinfo":             {member("userinfo_endpoint", nil), mistake{check: "offers", level: core.FindingNote, text: "offers no userinfo"}},
		"no back-channel logout":  {member("backchannel_logout_supported", false), mistake{config: brokered(), check: "back-channel logout", level: core.FindingNote, text: "offers no back-channel logout"}},
		"a back-channel logout":   {nil, mistake{config: brokered(), check: "back-channel logout", level: core.FindingNote, text: "Register", line: "http://localhost:8080/api/auth/v2/backchannel-logout"}},
		"no refresh tokens":       {member("grant_types_supported", []string{"authorization_code"}), mistake{config: brokered(), check: "offers", level: core.FindingNote, text: "no refresh tokens"}},
		"no revocation":           {member("revocation_endpoint", nil), mistake{config: brokered(), check: "offers", level: core.FindingNote, text: "no revocation"}},
		"private_key_jwt alone":   {member("token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), mistake{check: "client", level: core.FindingWrong, text: "neither client_secret_basic"}},
		"token endpoint is down":  {fault(oidctest.Token, oidctest.Status(502)), mistake{check: "client", level: core.FindingWrong, text: "does not answer"}},
		"token endpoint is HTML":  {fault(oidctest.Token, oidctest.HTML(200)), mistake{check: "client", level: core.FindingWrong, text: "something else than the JSON"}},
		"token endpoint is a toy": {fault(oidctest.Token, oidctest.Reply(200, "application/json", `{"access_token":"a","token_type":"Bearer"}`)), mistake{check: "client", level: core.FindingWrong, text: "never issued"}},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
			if c.spoil != nil {
				c.spoil(idp)
			}
			if name == "configured issuer" {
				c.line = `Issuer: "` + idp.Issuer() + `",`
			}
			list := flowOver(t, idp, c.config).auth.Doctor(t.Context())
			if !c.has(list) {
				t.Errorf("got %+v", list)
			}
			if len(found(list, "PublicURL", "")) == 0 || len(found(list, "secret keys", core.FindingOK)) == 0 {
				t.Errorf("other checks are missing: %+v", list)
			}
		})
	}
}

func posts(c *core.Config) { c.ResponseMode = "form_post" }

// refusing is a transport to a port where nothing listens.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

// Without a discovery document, the keys at a configured address are still examined.
func TestDoctorWithoutDiscovery(t *testing.T) {
	f := newFlow(t, func(c *core.Config) {
		c.Issuer = strings.TrimSuffix(c.DiscoveryURL, "/.well-known/openid-configuration")
		c.JWKSURL, c.DiscoveryURL = c.Issuer+"/jwks", ""
	})
	list := f.auth.Doctor(t.Context())
	if len(found(list, "keys", core.FindingOK)) != 1 || len(found(list, "", core.FindingWrong)) > 0 {
		t.Errorf("got %+v", list)
	}
	f = newFlow(t, func(c *core.Config) {
		c.JWKSURL = strings.Replace(c.DiscoveryURL, ".well-known/openid-configuration", "jwks", 1)
	})
	f.idp.Fault(oidctest.Discovery, oidctest.Status(500))
	list = f.auth.Doctor(t.Context())
	if len(found(list, "keys", core.FindingOK)) != 1 || len(found(list, "discovery", core.FindingWrong)) != 1 {
		t.Errorf("got %+v", list)
	}
}

// A provider's clock that differs by more than Leeway is found; a cached answer is older than its date says.
func TestDoctorReadsTheClock(t *testing.T) {
	for name, c := range map[string]struct {
		by, age time.Duration
		level   core.Level
		text    string
	}{
		"same":        {0, 0, core.FindingOK, "less than"},
		"ahead":       {5 * time.Minute, 0, core.FindingWrong, "ahead of this one"},
		"behind":      {-5 * time.Minute, 0, core.FindingWrong, "behind"},
		"a bit ahead": {20 * time.Second, 0, core.FindingOK, "less than"},
		"cached":      {-5 * time.Minute, 5 * time.Minute, core.FindingOK, "less than"},
	} {
		f := newFlow(t, func(config *core.Config) {
			config.HTTPClient = &http.Client{Transport: dating{config.HTTPClient.Transport, c.by, c.age}}
		})
		list := found(f.auth.Doctor(t.Context()), "clock", "")
		if len(list) != 1 || list[0].Level != c.level || !strings.Contains(list[0].Text, c.text) {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}

// dating moves the date of every answer.
type dating struct {
	base    http.RoundTripper
	by, age time.Duration
}

func (d dating) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.base.RoundTrip(request)
	if err == nil {
		response.Header.Set("Date", time.Now().Add(d.by).UTC().Format(http.TimeFormat))
		if d.age > 0 {
			response.Header.Set("Age", strconv.Itoa(int(d.age/time.Second)))
		}
	}
	return response, err
}

// Opaque access tokens are found once a login has brought one, and those of Google before.
func TestDoctorFindsOpaqueTokens(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithOpaqueTokens())
	want := mistake{check: "access tokens", level: core.FindingWrong, text: "are opaque", line: "Tokens: core.Opaque,"}
	if list := f.auth.Doctor(t.Context()); want.has(list) || len(found(list, "access tokens", core.FindingOK)) != 1 {
		t.Errorf("before a login: %+v", list)
	}
	f.tokens("alice")
	if list := f.auth.Doctor(t.Context()); !want.has(list) {
		t.Errorf("got %+v", list)
	}
	google := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://accounts.google.com"), oidctest.WithAlgorithm("ES256"))
	for name, c := range map[string]struct {
		change func(*core.Config)
		notes  int
	}{
		"tokens": {func(*core.Config) {}, 1}, "broker": {brokered(), 0}, "looked up": {func(c *core.Config) { c.Tokens = core.GoogleTokenInfo }, 0},
	} {
		config := google.Config()
		c.change(&config)
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if list := found(auth.Doctor(t.Context()), "access tokens", core.FindingNote); len(list) != c.notes {
			t.Errorf("%s: got %+v", name, list)
		}
		_ = auth.Close()
	}
}

// Lookups that cannot work are found.
func TestDoctorFindsLookupsThatCannotWork(t *testing.T) {
	f := newFlow(t, opaque)
	f.idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { delete(document, "introspection_endpoint") })
	want := mistake{check: "access tokens", level: core.FindingWrong, text: "no introspection_endpoint"}
	if list := f.auth.Doctor(t.Context()); !want.has(list) {
		t.Errorf("%+v", list)
	}
	for _, c := range []struct {
		announced []string
		want      mistake
	}{
		{[]string{"HS256"}, mistake{check: "access tokens", level: core.FindingWrong, text: "none of the algorithms"}},
		{nil, mistake{check: "access tokens", level: core.FindingNote, text: "does not announce signed answers"}},
	} {
		f := newFlow(t, func(c *core.Config) { opaque(c); signed(c) })
		f.idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["introspection_signing_alg_values_supported"] = c.announced })
		if list := f.auth.Doctor(t.Context()); !c.want.has(list) {
			t.Errorf("%+v", list)
		}
	}
	good := newFlow(t, opaque, oidctest.WithOpaqueTokens())
	good.tokens("alice")
	if list := found(good.auth.Doctor(t.Context()), "access tokens", core.FindingOK); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}

// A provider that offers everything, and a client without a store, lead to no note about offers.
func TestDoctorNotesOnlyWhatIsMissing(t *testing.T) {
	list := newFlow(t, nil).auth.Doctor(t.Context())
	for _, check := range []string{"offers", "scopes", "back-channel logout", "relaxations", "logger", "requests"} {
		if notes := found(list, check, core.FindingNote); len(notes) > 0 {
			t.Errorf("got %+v", notes)
		}
	}
}

// With several providers, findings have the name of the provider and the place of its settings, those about its relaxations too.
func TestDoctorOfSeveralProviders(t *testing.T) {
	f, other := newFlows(t, func(c *core.Config) {
		c.Providers[0].Audience, c.PostLogoutURIs = []string{core.AnyAudience}, []string{"https://app.example.org/bye"}
	})
	other.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["issuer"] = "https://other.example" })
	var texts []string
	for _, finding := range f.auth.Doctor(t.Context()) {
		texts = append(texts, finding.Text)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{
		"Provider second: Config.Providers[0].Audience is core.AnyAudience",
		"Provider second: The discovery document is that of the issuer https://other.example, which does not match Config.Providers[0].DiscoveryURL or Config.Providers[0].Issuer",
		"Provider first: The discovery document was fetched",
		"Register this post-logout redirect URI at each provider",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no finding says %q:\n%s", want, all)
		}
	}
}
