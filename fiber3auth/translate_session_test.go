package fiber3auth_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
)

// Once something has read a cookie, fasthttp joins all Cookie headers into one. fiber v3 itself reads one if the request names
// its cookie for flash messages, which anybody may send. A session still counts then, and two of them still do not.
func TestJoinedCookies(t *testing.T) {
	idp := oidctest.NewProvider(t)
	config := idp.Config()
	config.PublicURL, config.Sessions, config.Store = "http://localhost:8080", &core.SessionConfig{}, store.NewMemory()
	auth, err := fiber3auth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	app := fiber.New()
	app.Get("/me", auth.Handle(func(c fiber.Ctx, token *core.IDToken) error { return c.SendString(token.Subject()) }))
	addr := strings.TrimPrefix(serve(t, app), "http://")
	cookie := idp.Session(auth.Auth, "alice").String()
	cookie, _, _ = strings.Cut(cookie, ";")
	for name, test := range map[string]struct {
		lines  []string
		status int
	}{
		"one":                   {[]string{"Cookie: " + cookie}, http.StatusOK},
		"two":                   {[]string{"Cookie: " + cookie, "Cookie: " + cookie}, http.StatusUnauthorized},
		"flash, one":            {[]string{"Cookie: " + fiber.FlashCookieName + "=00", "Cookie: " + cookie}, http.StatusOK},
		"flash, one, in a line": {[]string{"Cookie: " + cookie + "; " + fiber.FlashCookieName + "=00"}, http.StatusOK},
		"flash, two":            {[]string{"Cookie: " + cookie, "Cookie: " + fiber.FlashCookieName + "=00", "Cookie: " + cookie}, http.StatusUnauthorized},
		"flash alone":           {[]string{"Cookie: " + fiber.FlashCookieName + "=00"}, http.StatusUnauthorized},
	} {
		connection, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(connection, strings.Join(append([]string{"GET /me HTTP/1.1", "Host: x"}, test.lines...), "\r\n")+"\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = connection.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", name, answer.StatusCode, test.status)
		}
	}
}
