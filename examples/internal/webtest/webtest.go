// Package webtest has the test that the web applications of all frameworks share: who sees which page, and who is sent to the login.
package webtest

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Run opens the application with a configuration, and asks it as people, their scripts, other sites and programs do. open returns how to send
// a request to the application.
func Run(t *testing.T, open func(core.Config) (send func(*http.Request) (status int, body string), err error)) {
	t.Helper()
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.StoreURL, cfg.Sessions = "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite")), &core.SessionConfig{}
	send, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(cfg) // another instance: sessions are in the file
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	alice, bob := idp.Session(auth, "alice"), idp.Session(auth, "bob") // logged-in browsers
	reader, clerk := idp.Bearer("bob"), idp.Bearer("bob", oidctest.Claims{"scope": "openid orders"})
	for _, c := range []struct {
		method, path string
		cookie       *http.Cookie
		as           string // who sends the request: a key of browsers, or the header Authorization of a program
		status       int
		body         string
	}{
		{"GET", "/", nil, "", http.StatusOK, "Log in"},
		{"GET", "/", alice, "", http.StatusOK, "Hello Alice"},
		{"GET", "/", nil, "person", http.StatusOK, "Log in"},
		{"GET", "/", alice, "person", http.StatusOK, "Hello Alice"},
		{"GET", "/dashboard", nil, "person", http.StatusFound, ""},
		{"GET", "/dashboard", nil, "script", http.StatusUnauthorized, "login_url"},
		{"GET", "/dashboard", bob, "person", http.StatusOK, "bob"},
		{"GET", "/admin", alice, "person", http.StatusOK, "alice"},
		{"GET", "/admin", bob, "person", http.StatusForbidden, "No access"},
		{"POST", "/orders", bob, "script", http.StatusCreated, "bob"},
		{"POST", "/orders", bob, "other site", http.StatusForbidden, ""},
		{"GET", "/api/orders", nil, "Bearer nonsense", http.StatusUnauthorized, "Invalid token"},
		{"GET", "/api/orders", nil, reader, http.StatusForbidden, "missing required scopes: orders"},
		{"GET", "/api/orders", nil, clerk, http.StatusOK, "bob"},
	} {
		request := httptest.NewRequest(c.method, c.path, nil)
		if headers, browser := browsers[c.as]; browser {
			for name, value := range headers {
				request.Header.Set(name, value)
			}
		} else {
			request.Header.Set("Authorization", c.as)
		}
		if c.cookie != nil {
			request.AddCookie(c.cookie)
		}
		if status, body := send(request); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s (%.12s): %d %s, want %d with %q", c.method, c.path, c.as, status, body, c.status, c.body)
		}
	}
}

// browsers has what a browser says of a request (Fetch Metadata).
var browsers = map[string]map[string]string{
	"":           {}, // one that says nothing
	"person":     {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"},
	"script":     {"Sec-Fetch-Site": "same-origin"},
	"other site": {"Sec-Fetch-Site": "cross-site"},
}

// Handler sends requests to a handler of net/http.
func Handler(handler http.Handler) func(*http.Request) (int, string) {
	return func(request *http.Request) (int, string) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer.Code, answer.Body.String()
	}
}
