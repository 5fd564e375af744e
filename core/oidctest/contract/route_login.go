package contract

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// newCookie and noCookie are the cookie of one login, set and deleted.
const (
	newCookie = "Set-Cookie: __Host-oidc-…=…; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	noCookie  = "Set-Cookie: __Host-oidc-…=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
)

func loginQuery(pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Add(pairs[i], pairs[i+1])
	}
	return login + "?" + query.Encode()
}

func testLogin(t *testing.T, a setup) {
	t.Run("refusals", func(t *testing.T) { loginRefusals(t, a) })
	t.Run("outage", func(t *testing.T) { loginOutages(t, a) })

	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	s := a.open(t, plan{config: func(cfg *core.Config) {
		cfg.RedirectURIs = []string{core.Loopback, "https://other.example.org/in"}
		cfg.AllowAuthParams = []string{"login_hint"}
	}})
	at := s.idp.URL(oidctest.Authorization) + "?client_id=app&code_challenge=…&code_challenge_method=S256&nonce=…&"
	for name, test := range map[string]struct {
		target  string
		headers []string
		want    string
	}{
		"browser": {loginQuery("redirect_uri", ownCallback), nil,
			moved(at+"redirect_uri="+url.QueryEscape(ownCallback)+"&response_type=code&scope=openid+profile+email&state=…", newCookie)},
		"loopback": {loginQuery("redirect_uri", loopback), nil,
			moved(at + "redirect_uri=" + url.QueryEscape(loopback) + "&response_type=code&scope=openid+profile+email&state=…")},
		"parameters": {loginQuery("redirect_uri", loopback, "prompt", "login consent", "offline_access", "TRUE", "scope", "email admin"), nil,
			moved(at + "prompt=login+consent&redirect_uri=" + url.QueryEscape(loopback) + "&response_type=code&scope=openid+email+offline_access&state=…")},
		"allowed and ignored": {loginQuery("redirect_uri", loopback, "login_hint", "a b", "utm_source", "x", "response_type", "code"), nil,
			moved(strings.Replace(at, "&nonce", "&login_hint=a+b&nonce", 1) + "redirect_uri=" + url.QueryEscape(loopback) + "&response_type=code&scope=openid+profile+email&state=…")},
		"own challenge": {loginQuery("redirect_uri", "https://other.example.org/in", "code_challenge", challenge, "code_challenge_method", "S256", "state", "a b"), nil,
			moved(s.idp.URL(oidctest.Authorization) + "?client_id=app&code_challenge=" + challenge +
				"&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fother.example.org%2Fin&response_type=code&scope=openid+profile+email&state=a+b")},
		"sixth login": {loginQuery("redirect_uri", ownCallback), []string{"Cookie: app=1; " + fiveLogins()},
			moved(at+"redirect_uri="+url.QueryEscape(ownCallback)+"&response_type=code&scope=openid+profile+email&state=…",
				"Set-Cookie: __Host-oidc-00000001aaaaaa=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", newCookie)},
	} {
		t.Run(name, func(t *testing.T) { s.in(t).get(test.target, test.headers...).is(test.want) })
	}
}

func fiveLogins() string {
	var pairs []string
	for _, age := range []string{"3", "1", "5", "4", "2"} {
		pairs = append(pairs, "__Host-oidc-0000000"+age+"aaaaaa=x")
	}
	return strings.Join(pairs, "; ")
}

func loginRefusals(t *testing.T, a setup) {
	s := a.open(t, plan{})
	for name, test := range map[string]struct{ target, detail string }{
		"missing":       {login, "Missing redirect_uri"},
		"empty":         {loginQuery("redirect_uri", ""), "Missing redirect_uri"},
		"forbidden":     {loginQuery("redirect_uri", "https://evil.example/callback"), "This redirect_uri is not allowed."},
		"almost":        {loginQuery("redirect_uri", ownCallback+"/"), "This redirect_uri is not allowed."},
		"repeated":      {loginQuery("redirect_uri", loopback, "redirect_uri", loopback), "Parameter redirect_uri is given more than once."},
		"prompt":        {loginQuery("redirect_uri", loopback, "prompt", "later"), "This prompt is not one of login, consent, select_account and none."},
		"not allowed":   {loginQuery("redirect_uri", loopback, "login_hint", "alice"), "This service does not take the parameter login_hint."},
		"bad challenge": {loginQuery("redirect_uri", loopback, "code_challenge", "x", "code_challenge_method", "plain"), "The code_challenge has to be one of method S256."},
	} {
		t.Run(name, func(t *testing.T) {
			s.in(t).get(test.target).is(refused(http.StatusBadRequest, "invalid_request", test.detail))
		})
	}
}

func loginOutages(t *testing.T, a setup) {
	s := a.open(t, plan{})
	s.idp.Fault(oidctest.Discovery, oidctest.Status(http.StatusInternalServerError))
	s.get(loginQuery("redirect_uri", loopback)).is(outage(http.StatusServiceUnavailable, "OIDC server unavailable, cannot log in."))

	s = a.open(t, plan{})
	s.idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { delete(document, "authorization_endpoint") })
	s.get(loginQuery("redirect_uri", loopback)).is(refused(http.StatusBadGateway, "server_error", "OIDC endpoint 'authorization_endpoint' not found in discovery."))
}
