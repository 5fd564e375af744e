package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// noReferrer keeps the URL, which contains the code, from other pages.
const noReferrer = "Referrer-Policy: no-referrer"

func notThisLogin(headers ...string) string {
	return refused(http.StatusBadRequest, "invalid_request", "The login state is not valid: begin the login again.", append(headers, noReferrer)...)
}

// comeBack sends the browser to the callback route.
func (s *site) comeBack(query url.Values, cookies string) *answer {
	s.t.Helper()
	return s.get(callback+"?"+query.Encode(), "Cookie: app=1; "+cookies)
}

func testCallback(t *testing.T, a setup) {
	t.Run("ok, then replayed", func(t *testing.T) {
		s := a.open(t, plan{})
		query, cookies := s.begin(ownCallback, "alice")
		got := s.comeBack(query, cookies)
		got.is(tokenAnswer(noReferrer, noCookie))
		var tokens core.Token
		if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
			t.Fatal(err)
		}
		s.get("/me", "Authorization: Bearer "+tokens.AccessToken).is(seen("alice", 2))
		s.comeBack(query, cookies).is(notThisLogin(noCookie))
	})
	t.Run("cookies on two lines", func(t *testing.T) {
		s := a.open(t, plan{})
		query, cookies := s.begin(ownCallback, "alice")
		s.raw("GET "+callback+"?"+query.Encode()+" HTTP/1.1", "Cookie: a=1; b=\"2\"", "Cookie: "+cookies).is(tokenAnswer(noReferrer, noCookie))
	})
	t.Run("refusals", func(t *testing.T) { callbackRefusals(t, a) })
	t.Run("provider", func(t *testing.T) { callbackProvider(t, a) })
}

func testNoPublicURL(t *testing.T, a setup) {
	s := a.open(t, plan{config: func(cfg *core.Config) { cfg.PublicURL = "" }})
	s.get(callback + "?code=x&state=y").is(refused(http.StatusInternalServerError, "server_error", "The callback needs PublicURL in the configuration.", noReferrer))
}

func callbackRefusals(t *testing.T, a setup) {
	s := a.open(t, plan{})
	missing := refused(http.StatusBadRequest, "invalid_request", "Missing code or state", noReferrer)
	s.get(callback).is(missing)
	s.get(callback + "?code=x").is(missing)
	s.get(callback + "?state=x").is(missing)
	s.get(callback + "?code=x&state=y&code=z").is(refused(http.StatusBadRequest, "invalid_request", "Parameter code is given more than once.", noReferrer))
	s.get(callback + "?code=x&state=forged").is(notThisLogin())

	query, _ := s.begin(loopback, "alice")
	s.comeBack(query, "").is(notThisLogin())
	query, cookies := s.begin(ownCallback, "alice")
	_, others := s.begin(ownCallback, "bob")
	s.comeBack(query, "").is(notThisLogin(noCookie))
	s.comeBack(query, others).is(notThisLogin(noCookie))
	s.comeBack(query, cookies+"x").is(notThisLogin(noCookie))
	s.comeBack(query, cookies).is(tokenAnswer(noReferrer, noCookie)) // another browser's try does not use up the code
}

func callbackProvider(t *testing.T, a setup) {
	for name, test := range map[string]struct {
		change func(*oidctest.Provider, url.Values)
		want   string
	}{
		"the user refuses": {
			func(_ *oidctest.Provider, query url.Values) { query.Del("code"); query.Set("error", "access_denied") },
			refused(http.StatusBadRequest, "access_denied", "access_denied: the provider did not log the user in", noReferrer, noCookie)},
		"an unknown error": {
			func(_ *oidctest.Provider, query url.Values) { query.Set("error", "<script>") },
			refused(http.StatusBadRequest, "invalid_request", "invalid_request: the provider did not log the user in", noReferrer, noCookie)},
		"another provider's answer": {
			func(_ *oidctest.Provider, query url.Values) { query.Set("iss", "https://evil.example") },
			refused(http.StatusBadRequest, "invalid_request", "The answer is not from the provider of this login.", noReferrer, noCookie)},
		"an unknown code": {
			func(_ *oidctest.Provider, query url.Values) { query.Set("code", "x") },
			refused(http.StatusBadRequest, "invalid_grant", "invalid_grant: the code or token is not valid, was used, or has expired", noReferrer, noCookie)},
		"another nonce": {
			func(idp *oidctest.Provider, _ url.Values) {
				idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["nonce"] = "x" })
			},
			refused(http.StatusBadRequest, "invalid_grant", "invalid_grant: the provider's ID token is not valid for this login", noReferrer, noCookie)},
		"outage": {
			func(idp *oidctest.Provider, _ url.Values) {
				idp.Fault(oidctest.Token, oidctest.Status(http.StatusBadGateway))
			},
			outage(http.StatusServiceUnavailable, "The OIDC provider cannot be reached.", noReferrer, noCookie)},
		"nonsense": {
			func(idp *oidctest.Provider, _ url.Values) {
				idp.Fault(oidctest.Token, oidctest.HTML(http.StatusOK))
			},
			refused(http.StatusBadGateway, "server_error", "The OIDC provider gave an unusable answer.", noReferrer, noCookie)},
		"refuses this service": {
			func(idp *oidctest.Provider, _ url.Values) {
				idp.Fault(oidctest.Token, oidctest.ErrorCode(http.StatusUnauthorized, "invalid_client"))
			},
			refused(http.StatusBadGateway, "server_error", "The OIDC provider refused this service's request.", noReferrer, noCookie)},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.open(t, plan{})
			query, cookies := s.begin(ownCallback, "alice")
			test.change(s.idp, query)
			s.comeBack(query, cookies).is(test.want)
		})
	}
}
