package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestBroker(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.Broker, cfg.StoreURL = &core.BrokerConfig{}, "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "broker.sqlite"))
	auth, err := chiauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	router, err := newRouter(auth)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, token string, form url.Values) *httptest.ResponseRecorder {
		request := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		return answer
	}
	provider := idp.AccessToken("alice") // in a test, an exchange stands for a login
	answer := ask(http.MethodPost, "/api/auth/v2/token", "", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {provider},
	})
	_, rest, _ := strings.Cut(answer.Body.String(), `"access_token":"`)
	own, _, found := strings.Cut(rest, `"`)
	if answer.Code != http.StatusOK || !found {
		t.Fatalf("exchange: %d %s", answer.Code, answer.Body)
	}
	for _, c := range []struct {
		path, token string
		status      int
		body        string
	}{
		{"/me", "", http.StatusUnauthorized, "Not authenticated"},
		{"/me", provider, http.StatusUnauthorized, "Invalid token"}, // the provider's own tokens pass no guard
		{"/me", own, http.StatusOK, `"admin"`},
		{"/api/auth/v2/.well-known/jwks.json", "", http.StatusOK, `"kty":"RSA"`},
		{"/ready", "", http.StatusOK, ""},
	} {
		if answer := ask(http.MethodGet, c.path, c.token, nil); answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("GET %s: %d %s, want %d with %q", c.path, answer.Code, answer.Body, c.status, c.body)
		}
	}
}
