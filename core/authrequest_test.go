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

// AuthParams go to the provider with every login, of each kind, and with the start of a device login.
func TestAuthParamsAreSent(t *testing.T) {
	always := url.Values{"access_type": {"offline"}, "prompt": {"consent"}, "resource": {"https://a.example", "https://b.example"}}
	f := newFlow(t, func(c *core.Config) { c.AuthParams = always }, oidctest.WithResources("https://a.example", "https://b.example"))
	for _, query := range []url.Values{
		{"redirect_uri": {flowOwnCallback}}, {"redirect_uri": {flowRedirect}, "prompt": {"none"}},
		{"redirect_uri": {flowRedirect}, "code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"}, "state": {"mine"}},
	} {
		target, _ := f.login(query)
		for name, want := range always {
			if got := target.Query()[name]; !slices.Equal(got, want) {
				t.Errorf("%v: %s is %q, want %q", query, name, got, want)
			}
		}
	}
	f.device()
	form := f.idp.Last(oidctest.Device).Form
	for name, want := range always {
		if got := form[name]; !slices.Equal(got, want) {
			t.Errorf("device: %s is %q, want %q", name, got, want)
		}
	}
	if got := form.Get("scope"); got != "openid profile email offline_access" {
		t.Errorf("device: the scope is %q", got)
	}
}

// Neither a later change of the map nor a login changes what is sent with the next login.
func TestAuthParamsAreCopied(t *testing.T) {
	always := url.Values{"audience": {"https://api.example"}}
	f := flowInMemory(t, &flowMemory{}, func(c *core.Config) { c.AuthParams, c.AllowAuthParams = always, []string{"audience", "login_hint"} })
	f.login(url.Values{"redirect_uri": {flowRedirect}, "audience": {"other"}, "login_hint": {"alice"}, "prompt": {"login"}})
	always["audience"][0] = "changed"
	always.Set("added", "later")
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	query := target.Query()
	if query.Get("audience") != "https://api.example" || query.Has("added") || query.Has("login_hint") || query.Has("prompt") {
		t.Errorf("got %v", query)
	}
}

// What the query of a login sets replaces the parameter in AuthParams, and an empty value counts as absent.
func TestLoginReplacesAuthParams(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
		c.AuthParams = url.Values{"ui_locales": {"de", "fr"}, "acr_values": {"low"}, "prompt": {"consent"}}
		c.AllowAuthParams = []string{"ui_locales", "acr_values", "domain_hint"}
	})
	for _, c := range []struct {
		query url.Values
		want  map[string][]string
	}{
		{url.Values{}, map[string][]string{"ui_locales": {"de", "fr"}, "acr_values": {"low"}, "prompt": {"consent"}, "domain_hint": nil}},
		{url.Values{"ui_locales": {"da"}, "acr_values": {""}, "domain_hint": {"example.org"}}, map[string][]string{"ui_locales": {"da"}, "acr_values": {"low"}, "domain_hint": {"example.org"}}},
		{url.Values{"prompt": {"login"}}, map[string][]string{"prompt": {"login"}}},
		{url.Values{"acr_values": {strings.Repeat("a", 2048)}}, map[string][]string{"acr_values": {strings.Repeat("a", 2048)}}},
	} {
		c.query.Set("redirect_uri", flowRedirect)
		target, _ := f.login(c.query)
		for name, want := range c.want {
			if got := target.Query()[name]; !slices.Equal(got, want) {
				t.Errorf("%v: %s is %q, want %q", c.query, name, got, want)
			}
		}
	}
}

// A silent login stays silent, whatever prompt AuthParams has.
func TestSilentLoginReplacesPrompt(t *testing.T) {
	w := newWeb(t, func(c *core.Config) { c.AuthParams = url.Values{"prompt": {"consent"}} })
	for query, want := range map[string]string{"": "consent", "?prompt=none": "none", "?prompt=login": "login"} {
		answer := w.browser().do(http.MethodGet, "/auth/v2/login"+query, navigation...)
		target, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || target.Query().Get("prompt") != want {
			t.Errorf("%s: %s %v", query, target, err)
		}
	}
}

// A registered request parameter that is not allowed is refused by name. What standard clients and others add is ignored.
func TestLoginRefusesParameters(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, func(c *core.Config) { c.AllowAuthParams = []string{"login_hint", "claims"} })
	refusal := func(name string) string { return "This service does not take the parameter " + name + "." }
	for query, detail := range map[string]string{
		"max_age=0": refusal("max_age"), "ui_locales=de": refusal("ui_locales"), "acr_values=x": refusal("acr_values"), "id_token_hint=x": refusal("id_token_hint"),
		"display=page": refusal("display"), "claims_locales=de": refusal("claims_locales"), "registration=%7B%7D": refusal("registration"), "resource=https://a.example": refusal("resource"),
		"request=x": refusal("request"), "request_uri=https://evil.example": refusal("request_uri"), "authorization_details=%5B%5D": refusal("authorization_details"),
		"dpop_jkt=x": refusal("dpop_jkt"), "vtr=x": refusal("vtr"), "issuer_state=x": refusal("issuer_state"), "iss=https://evil.example": refusal("iss"),
		"response_type=token": refusal("response_type"), "response_type=code+id_token": refusal("response_type"), "response_type=code&response_type=token": refusal("response_type"),
		"response_mode=form_post": refusal("response_mode"), "response_mode=fragment": refusal("response_mode"),
		"max_age=&max_age=1":                  refusal("max_age"),
		"provider=x":                          "There is no provider of this name.",
		"login_hint=a&login_hint=b":           "Parameter login_hint is given more than once.",
		"login_hint=a&login_hint=":            "Parameter login_hint is given more than once.",
		"login_hint=a%00":                     "Parameter login_hint is malformed.",
		"login_hint=a%0d%0aLocation:x":        "Parameter login_hint is malformed.",
		"claims=" + strings.Repeat("a", 2049): "Parameter claims is too long.",
	} {
		flowRefused(t, query, f.getRaw("login", "redirect_uri="+url.QueryEscape(flowRedirect)+"&"+query), http.StatusBadRequest, "invalid_request", detail)
	}
	for _, query := range []string{
		"response_type=code", "client_id=" + oidctest.ConfidentialClient, "client_id=other", "nonce=mine", "response_mode=query", "utm_source=a&utm_source=b", "gclid=x", "audience=x",
		"max_age=", "code_verifier=x", "client_secret=x", "LOGIN_HINT=x", "session_state=x", "access_type=offline", "state=mine",
	} {
		answer := f.getRaw("login", "redirect_uri="+url.QueryEscape(flowRedirect)+"&"+query)
		target, err := url.Parse(answer.Header.Get("Location"))
		if answer.Status != http.StatusFound || err != nil {
			t.Errorf("%s: %d %s", query, answer.Status, answer.Body)
			continue
		}
		names := []string{"client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_type", "scope", "state"}
		for name, values := range target.Query() {
			if !slices.Contains(names, name) || values[0] == "mine" {
				t.Errorf("%s: the provider gets %s=%s", query, name, values)
			}
		}
	}
}

// Every parameter of the registry "OAuth Parameters" for authorization requests, as of 2026-03-25, is read, refused by name, or ignored
// because standard clients send it. None gets past the login by being unknown.
func TestLoginKnowsRegisteredParameters(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	read := []string{"redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "prompt"}
	ignored := []string{"client_id", "nonce"}
	for _, name := range strings.Fields(`client_id response_type redirect_uri scope state nonce display prompt max_age ui_locales claims_locales
		id_token_hint login_hint acr_values claims registration request request_uri code_challenge code_challenge_method vtr resource response_mode
		iss sub aud exp nbf iat jti authorization_details dpop_jkt trust_chain dcql_query client_metadata request_uri_method transaction_data
		wallet_nonce response_uri vp_token verifier_info expected_origins issuer_state`) {
		if slices.Contains(read, name) {
			continue
		}
		answer := f.getRaw("login", "redirect_uri="+url.QueryEscape(flowRedirect)+"&"+name+"=x")
		if slices.Contains(ignored, name) {
			if answer.Status != http.StatusFound {
				t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
			}
			continue
		}
		flowRefused(t, name, answer, http.StatusBadRequest, "invalid_request", "This service does not take the parameter "+name+".")
	}
}

// The logins of the Python client and of a client with golang.org/x/oauth2 go on as before.
func TestLoginsOfStandardClients(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	for name, query := range map[string]string{
		"Python client": "redirect_uri=http%3A%2F%2Flocalhost%3A53100%2Fcallback&offline_access=true&prompt=consent",
		"x/oauth2": "access_type=offline&client_id=" + oidctest.ConfidentialClient + "&code_challenge=" + strings.Repeat("a", 43) +
			"&code_challenge_method=S256&nonce=n&redirect_uri=http%3A%2F%2F127.0.0.1%3A7777%2Fcallback&response_type=code&scope=openid+profile&state=s",
	} {
		if answer := f.getRaw("login", query); answer.Status != http.StatusFound {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
}

// A device start takes no parameters: whoever starts it is not the person who logs in.
func TestDeviceStartTakesNoParameters(t *testing.T) {
	f := newFlow(t, func(c *core.Config) {
		c.AuthParams, c.AllowAuthParams = url.Values{"acr_values": {"high"}}, []string{"acr_values", "login_hint"}
	})
	answer := f.post("device", url.Values{"acr_values": {"low"}, "login_hint": {"alice"}, "max_age": {"0"}, "scope": {"admin"}})
	form := f.idp.Last(oidctest.Device).Form
	if answer.Status != http.StatusOK || form.Get("acr_values") != "high" || form.Has("login_hint") || form.Has("max_age") || form.Get("scope") != "openid profile email offline_access" {
		t.Errorf("%d %s: the provider got %v", answer.Status, answer.Body, form)
	}
}
