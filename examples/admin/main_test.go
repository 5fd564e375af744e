package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func TestSessions(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.Sessions = &core.SessionConfig{}
	cfg.StoreURL = "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite"))
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	router, err := newRouter(auth)
	if err != nil {
		t.Fatal(err)
	}
	alice := idp.Session(auth.Auth, "alice") // an administrator
	laptop, phone, tablet := idp.Session(auth.Auth, "bob"), idp.Session(auth.Auth, "bob"), idp.Session(auth.Auth, "bob")
	ask := func(method, path string, cookie *http.Cookie) *httptest.ResponseRecorder {
		request := httptest.NewRequest(method, path, nil)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		request.AddCookie(cookie)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		return answer
	}
	list := func(subject string) (sessions []struct{ ID string }) {
		answer := ask("GET", "/people/"+subject+"/sessions", alice)
		if err := json.Unmarshal(answer.Body.Bytes(), &sessions); err != nil || answer.Code != http.StatusOK {
			t.Fatalf("%d %s %v", answer.Code, answer.Body, err)
		}
		return sessions
	}
	loggedIn := func() (count int) {
		for _, cookie := range []*http.Cookie{laptop, phone, tablet} {
			if ask("GET", "/auth/v2/session", cookie).Code == http.StatusOK {
				count++
			}
		}
		return count
	}

	if answer := ask("GET", "/people/alice/sessions", laptop); answer.Code != http.StatusForbidden {
		t.Errorf("bob is no administrator: %d %s", answer.Code, answer.Body)
	}
	sessions := list("bob")
	if len(sessions) != 3 || len(list("carol")) != 0 {
		t.Fatalf("bob has %d sessions", len(sessions))
	}
	if answer := ask("DELETE", "/people/carol/sessions/"+sessions[0].ID, alice); answer.Code != http.StatusNotFound || loggedIn() != 3 {
		t.Errorf("a session of somebody else: %d %s", answer.Code, answer.Body)
	}
	if answer := ask("DELETE", "/people/bob/sessions/"+sessions[0].ID, alice); answer.Code != http.StatusNoContent || loggedIn() != 2 {
		t.Errorf("one session: %d %s, %d are left", answer.Code, answer.Body, loggedIn())
	}
	answer := ask("DELETE", "/people/bob/sessions", alice)
	if answer.Code != http.StatusOK || strings.TrimSpace(answer.Body.String()) != `{"ended":2}` || loggedIn() != 0 {
		t.Errorf("all sessions: %d %s, %d are left", answer.Code, answer.Body, loggedIn())
	}
	if len(list("alice")) != 1 {
		t.Error("the administrator's own session has ended")
	}
}
