package echo5auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

func open(t *testing.T) *echo5auth.Auth {
	t.Helper()
	auth, err := echo5auth.New(oidctest.NewProvider(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	return auth
}

// A router may refuse a second route with the method and path of another one; Echo.Add panics then.
func TestMountTwice(t *testing.T) {
	auth, e := open(t), echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{})})
	for _, router := range []echo5auth.Router{e, e.Group("/api")} {
		if err := auth.Mount(router, core.Paths{}); err != nil {
			t.Fatal(err)
		}
		err := auth.Mount(router, core.Paths{})
		if err == nil || !strings.Contains(err.Error(), "GET /auth/v2/login") {
			t.Errorf("the second time: %v", err)
		}
	}
}

// With AutoHandleHEAD echo gives HEAD requests to the handlers of GET. A login that begins must not depend on it.
func TestAutomaticHead(t *testing.T) {
	e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true})})
	e.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, "hello") })
	if err := open(t).Mount(e, core.Paths{}); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{
		"/": http.StatusOK,
		"/auth/v2/login?redirect_uri=http://127.0.0.1:7777/callback": http.StatusMethodNotAllowed,
		"/auth/v2/logout": http.StatusMethodNotAllowed,
	} {
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, httptest.NewRequest(http.MethodHead, path, nil))
		if answer.Code != status || len(answer.Header().Values("Set-Cookie")) > 0 || answer.Header().Get("Location") != "" {
			t.Errorf("HEAD %s: %d %v", path, answer.Code, answer.Header())
		}
	}
}
