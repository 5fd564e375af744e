package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

const own = "http://localhost:8080"

func newService(t *testing.T) (http.Handler, *oidctest.Provider, *httpauth.Auth) {
	t.Helper()
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.PublicURL, cfg.Sessions = own, &core.SessionConfig{}
	cfg.StoreURL = "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite"))
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	handler, err := newHandler(auth)
	if err != nil {
		t.Fatal(err)
	}
	return handler, idp, auth
}

// fetch sends a request as a script of a page of this origin does.
func fetch(handler http.Handler, method, path, origin string, cookie *http.Cookie) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	request.Header.Set("Sec-Fetch-Mode", "cors")
	request.Header.Set("Sec-Fetch-Dest", "empty")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if origin != own {
		request.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	if origin != own || method != http.MethodGet {
		request.Header.Set("Origin", origin)
	}
	if cookie != nil {
		request.AddCookie(cookie)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestPages(t *testing.T) {
	handler, idp, auth := newService(t)
	bob := idp.Session(auth.Auth, "bob")
	const evil = "https://evil.example"
	for _, c := range []struct {
		method, path, origin string
		cookie               *http.Cookie
		status               int
		body                 string
	}{
		{"GET", "/", own, nil, http.StatusOK, `src="/static/app.js"`},
		{"GET", "/orders/7", own, nil, http.StatusOK, `src="/static/app.js"`}, // a page of the script's own router
		{"GET", "/static/app.js", own, nil, http.StatusOK, "async function call"},
		{"GET", "/api/nothing", own, bob, http.StatusNotFound, ""},
		{"GET", "/auth/v2/session", own, nil, http.StatusUnauthorized, "Not authenticated"},
		{"GET", "/auth/v2/session", own, bob, http.StatusOK, `"preferred_username":"bob"`},
		{"GET", "/api/me", own, nil, http.StatusUnauthorized, `"login_url":"` + own + `/auth/v2/login"`},
		{"GET", "/api/me", own, bob, http.StatusOK, `"sub"`},
		{"GET", "/api/me", evil, bob, http.StatusForbidden, ""},
		{"POST", "/api/orders", own, nil, http.StatusUnauthorized, "login_url"},
		{"POST", "/api/orders", own, bob, http.StatusCreated, "bob"},
		{"POST", "/api/orders", evil, bob, http.StatusForbidden, ""},
		{"POST", "/auth/v2/logout", evil, bob, http.StatusForbidden, ""},
	} {
		answer := fetch(handler, c.method, c.path, c.origin, c.cookie)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s %s from %s: %d %s, want %d with %q", c.method, c.path, c.origin, answer.Code, answer.Body, c.status, c.body)
		}
		if answer.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s has no policy", c.method, c.path)
		}
	}
}

func TestLogout(t *testing.T) {
	handler, idp, auth := newService(t)
	bob := idp.Session(auth.Auth, "bob")
	answer := fetch(handler, "POST", "/auth/v2/logout", own, bob)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"logout_url":"`+idp.URL(oidctest.EndSession)) {
		t.Fatalf("logout: %d %s", answer.Code, answer.Body)
	}
	if answer := fetch(handler, "GET", "/api/me", own, bob); answer.Code != http.StatusUnauthorized {
		t.Errorf("after the logout: %d %s", answer.Code, answer.Body)
	}
}

// The policy allows no script and no style inside of the page.
func TestPageHasNoInlineScript(t *testing.T) {
	data, err := files.ReadFile("static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"<style", "style=", "onclick=", "<script>"} {
		if strings.Contains(string(data), text) {
			t.Errorf("the page contains %s", text)
		}
	}
}
