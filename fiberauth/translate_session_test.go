package fiberauth_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/gofiber/fiber/v2"
)

// serveSessions serves an application with browser sessions: /me is for all methods.
func serveSessions(t *testing.T, cfg fiber.Config) (idp *oidctest.Provider, addr string) {
	t.Helper()
	idp = oidctest.NewProvider(t)
	config := idp.Config()
	config.PublicURL, config.Sessions, config.Store = "http://localhost:8080", &core.SessionConfig{}, store.NewMemory()
	auth, err := fiberauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	cfg.DisableStartupMessage = true
	app := fiber.New(cfg)
	if err := auth.Mount(app, core.Paths{}); err != nil {
		t.Fatal(err)
	}
	app.All("/me", auth.Handle(func(c *fiber.Ctx, token *core.IDToken) error { return c.SendString(token.Subject()) }))
	listener := contract.Listen(t)
	go func() { _ = app.Listener(listener) }() // it ends with Shutdown
	t.Cleanup(func() { _ = app.Server().Shutdown() })
	return idp, listener.Addr().String()
}

// ask writes the lines of a request as they are.
func ask(t *testing.T, addr string, lines ...string) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() //nolint:errcheck // the answer has been read
	lines = append([]string{lines[0], "Host: x", "Connection: close"}, lines[1:]...)
	_, _ = io.WriteString(connection, strings.Join(lines, "\r\n")+"\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer
}

// sessionOf logs alice in and returns the session's cookie.
func sessionOf(t *testing.T, idp *oidctest.Provider, addr string) string {
	t.Helper()
	cookies := func(answer *http.Response) string {
		var pairs []string
		for _, cookie := range answer.Cookies() {
			if cookie.MaxAge > 0 && !strings.HasSuffix(cookie.Name, "-logins") {
				pairs = append(pairs, cookie.Name+"="+cookie.Value)
			}
		}
		return strings.Join(pairs, "; ")
	}
	start := ask(t, addr, "GET /auth/v2/login HTTP/1.1")
	back, err := idp.Approve(start.Header.Get("Location"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	cookie := cookies(ask(t, addr, "GET "+back.RequestURI()+" HTTP/1.1", "Cookie: "+cookies(start)))
	if !strings.HasPrefix(cookie, "oidc-session-") {
		t.Fatalf("the cookie is %q", cookie)
	}
	return cookie
}

// What says that another site made a browser send a request counts however its name is written, and whether fiber normalises names or
// not; so does the cookie.
func TestForeignRequestsInAnyCase(t *testing.T) {
	for _, raw := range []bool{false, true} {
		idp, addr := serveSessions(t, fiber.Config{DisableHeaderNormalizing: raw, ReadBufferSize: 16 << 10})
		cookie := sessionOf(t, idp, addr)
		for name, c := range map[string]struct {
			method, path string
			lines        []string
			status       int
		}{
			"own":                      {"POST", "/me", []string{"cookie: " + cookie, "sec-fetch-site: same-origin", "origin: http://localhost:8080"}, 200},
			"upper case":               {"GET", "/me", []string{"COOKIE: " + cookie}, 200},
			"cross-site":               {"POST", "/me", []string{"Cookie: " + cookie, "sec-fetch-site: cross-site"}, 403},
			"cross-site, all in lower": {"POST", "/me", []string{"cookie: " + cookie, "sec-fetch-site: cross-site"}, 403},
			"same site":                {"DELETE", "/me", []string{"cookie: " + cookie, "SEC-FETCH-SITE: same-site"}, 403},
			"origin":                   {"POST", "/me", []string{"cookie: " + cookie, "origin: https://evil.example"}, 403},
			"origin of a GET":          {"GET", "/me", []string{"Cookie: " + cookie, "ORIGIN: https://evil.example"}, 403},
			"origin twice":             {"POST", "/me", []string{"cookie: " + cookie, "Origin: http://localhost:8080", "origin: http://localhost:8080"}, 403},
			"websocket":                {"GET", "/me", []string{"cookie: " + cookie, "sec-fetch-site: cross-site", "upgrade: WebSocket"}, 403},
			"route":                    {"POST", "/auth/v2/logout", []string{"cookie: " + cookie, "sec-fetch-site: cross-site", "content-length: 0"}, 403},
			"two cookies":              {"GET", "/me", []string{"cookie: " + cookie, "Cookie: " + cookie}, 401},
			"none":                     {"GET", "/me", nil, 401},
		} {
			if answer := ask(t, addr, append([]string{c.method + " " + c.path + " HTTP/1.1"}, c.lines...)...); answer.StatusCode != c.status {
				t.Errorf("normalising off: %v; %s: got %d, want %d", raw, name, answer.StatusCode, c.status)
			}
		}
	}
}
