package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// TestLogin logs a person in as a browser does: from the page to the provider, and back to the page.
func TestLogin(t *testing.T) {
	idp := oidctest.NewProvider(t)
	var router http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { router.ServeHTTP(w, r) }))
	defer server.Close()
	cfg := idp.Config()
	cfg.PublicURL, cfg.Sessions, cfg.Store = server.URL, &core.SessionConfig{}, store.NewMemory()
	mux, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	router = mux

	jar, _ := cookiejar.New(nil)                                 // the browser's cookies of the application
	browser, atProvider := &http.Client{Jar: jar}, idp.Browser() // and those of the provider
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	toProvider := redirected(t, browser, redirected(t, browser, server.URL+"/dashboard"))
	callback, err := atProvider.Approve(toProvider, "alice") // presses the button on the provider's page
	if err != nil {
		t.Fatal(err)
	}
	if back := redirected(t, browser, callback.String()); !strings.HasSuffix(back, "/dashboard") {
		t.Errorf("the login returned to %s", back)
	}
	answer := navigate(t, browser, server.URL+"/dashboard")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("after the login: %s", answer.Status)
	}

	denied, err := idp.Deny(redirected(t, browser, server.URL+"/auth/v2/login")) // a person who refuses
	if err != nil {
		t.Fatal(err)
	}
	if answer := navigate(t, browser, denied.String()); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("after a refusal: %s", answer.Status)
	}
}

// redirected opens an address and returns where the browser is sent.
func redirected(t *testing.T, browser *http.Client, address string) string {
	t.Helper()
	answer := navigate(t, browser, address)
	target, err := answer.Location()
	if err != nil {
		t.Fatalf("%s: %s, no redirect", address, answer.Status)
	}
	return target.String()
}

func navigate(t *testing.T, browser *http.Client, address string) *http.Response {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.Do(&http.Request{Method: http.MethodGet, URL: to, Header: http.Header{
		"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}
