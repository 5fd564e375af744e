package core_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A guard that covers the library's own routes is logged once a minute, and a browser is not sent round in circles.
func TestGuardOverOwnRoutes(t *testing.T) {
	for name, public := range map[string]string{"": webURL, "with a prefix": webURL + "/api"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logs lockedBuffer
				w := newBubbleWeb(t, func(c *core.Config) {
					c.PublicURL, c.Logger = public, slog.New(slog.NewTextHandler(&logs, nil))
				})
				guard := w.auth.Required()
				covered := func(target string) *http.Response {
					request := httptest.NewRequest(http.MethodGet, target, nil)
					for _, header := range navigation {
						name, value, _ := strings.Cut(header, ": ")
						request.Header.Set(name, value)
					}
					recorder := httptest.NewRecorder()
					guard.Middleware(w.mux).ServeHTTP(recorder, request)
					return recorder.Result()
				}
				answer := covered("/page")
				login, err := url.Parse(answer.Header.Get("Location"))
				if err != nil || answer.StatusCode != http.StatusFound || !strings.HasSuffix(login.Path, "/auth/v2/login") {
					t.Fatalf("%d to %s, %v", answer.StatusCode, login, err)
				}
				if strings.Contains(logs.String(), "nobody can log in") {
					t.Error("a page of the application counts as a route of the library")
				}
				for _, target := range []string{login.RequestURI(), "/auth/v2/login?x", "/auth/v2/login", "/auth/v2/callback?code=c&state=s"} {
					if answer := covered(target); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(body(answer), "<html") {
						t.Errorf("%s: %d to %s", target, answer.StatusCode, answer.Header.Get("Location"))
					}
				}
				if n := linesWith(logs.String(), "ERROR", "nobody can log in"); n != 1 {
					t.Errorf("%d lines: %s", n, logs.String())
				}
				time.Sleep(time.Minute)
				covered("/auth/v2/login")
				if n := linesWith(logs.String(), "ERROR", "dropped=3"); n != 1 {
					t.Errorf("a minute later: %s", logs.String())
				}
			})
		})
	}
}

// A preflight request that a guard refuses is logged, and no other request without credentials.
func TestGuardBeforeCORS(t *testing.T) {
	f := newFlow(t, nil)
	ask := func(guard *core.Guard, method string, header http.Header) {
		guard.Admit(t.Context(), core.Credentials{Method: method, Target: "/orders", Header: header})
	}
	preflight := http.Header{"Origin": {"https://spa.example"}, "Access-Control-Request-Method": {"GET"}}
	ask(f.auth.Optional(), http.MethodOptions, preflight)
	ask(f.auth.Required(), http.MethodOptions, http.Header{})
	ask(f.auth.Required(), http.MethodGet, preflight)
	if n := linesWith(f.traffic.logs.String(), "WARN", "preflight"); n != 0 {
		t.Errorf("%d lines too many: %s", n, f.traffic.logs.String())
	}
	for range 3 {
		ask(f.auth.Required(), http.MethodOptions, preflight)
	}
	if n := linesWith(f.traffic.logs.String(), "WARN", "preflight"); n != 1 {
		t.Errorf("%d lines: %s", n, f.traffic.logs.String())
	}
}

// A login that comes back to an instance with other secret keys is logged; what anybody may send without a login's cookie is not.
func TestStateOfAnotherInstance(t *testing.T) {
	first := newFlow(t, func(c *core.Config) { c.SecretKeys = []string{"the key of one instance, 32 bytes or more"} })
	second := flowOver(t, first.idp, func(c *core.Config) { c.SecretKeys = []string{"the key of another one, 32 bytes or more"} })
	query, cookie := first.browser("alice")
	const words = "its state was not made with the secret keys of this instance"
	for range 3 {
		second.get("callback", query)
		second.get("callback", url.Values{"code": {"c"}, "state": {"made-up"}})
	}
	if n := linesWith(second.traffic.logs.String(), "WARN", words); n != 0 {
		t.Errorf("without the cookie: %s", second.traffic.logs.String())
	}
	for range 3 {
		if answer := second.get("callback", query, cookie); answer.Status != http.StatusBadRequest {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
	if n := linesWith(second.traffic.logs.String(), "WARN", words); n != 1 {
		t.Errorf("%d lines: %s", n, second.traffic.logs.String())
	}
}
