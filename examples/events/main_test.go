package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func newService(t *testing.T) (*httptest.Server, *oidctest.Provider, *httpauth.Auth) {
	t.Helper()
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.Sessions = &core.SessionConfig{}
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
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, idp, auth
}

func open(t *testing.T, server *httptest.Server, path string, cookie *http.Cookie) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != nil {
		request.AddCookie(cookie)
	}
	client := server.Client()
	client.Timeout = 30 * time.Second // a stream that does not end fails the test
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// The stream ends when somebody ends the session elsewhere.
func TestStreamEndsWithTheSession(t *testing.T) {
	server, idp, auth := newService(t)
	bob := idp.Session(auth.Auth, "bob")
	answer := open(t, server, "/events", bob)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	lines, ended := bufio.NewScanner(answer.Body), false
	for lines.Scan() { // until the server closes the stream
		switch line := lines.Text(); {
		case strings.Contains(line, "for bob"):
			if _, err := auth.EndSessions(context.WithoutCancel(t.Context()), idp.Issuer(), "bob"); err != nil {
				t.Fatal(err)
			}
		case line == "event: end":
			ended = true
		}
	}
	if err := lines.Err(); err != nil || !ended {
		t.Errorf("the stream is over: ended %t, %v", ended, err)
	}
	if again := open(t, server, "/events", bob); again.StatusCode != http.StatusUnauthorized {
		t.Errorf("the browser asks again: %d", again.StatusCode)
	}
}

func TestPages(t *testing.T) {
	server, idp, auth := newService(t)
	bob := idp.Session(auth.Auth, "bob")
	for _, c := range []struct {
		path   string
		cookie *http.Cookie
		status int
	}{
		{"/", bob, http.StatusOK},
		{"/", nil, http.StatusUnauthorized}, // a script; a person is sent to the login
		{"/events", nil, http.StatusUnauthorized},
		{"/static/events.js", nil, http.StatusOK},
	} {
		if answer := open(t, server, c.path, c.cookie); answer.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.path, answer.StatusCode, c.status)
		}
	}
}
