package echo5auth_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

// Mounts the routes under a prefix: /api/auth/v2/login, token, device and the others.
func ExampleAuth_Mount() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	r := echo.New()
	if err := auth.Mount(r.Group("/api"), core.Paths{}); err != nil {
		fmt.Println(err)
		return
	}
	show(r, "/api/auth/v2/userinfo", "")
	// Output: 401 Not authenticated
}

// Guards one handler, which gets the caller as an argument.
func ExampleAuth_Handle() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	r := echo.New()
	r.GET("/me", auth.Handle(func(c *echo.Context, caller *core.IDToken) error {
		return c.String(http.StatusOK, "hello "+caller.Username())
	}, core.Scopes("openid")))
	show(r, "/me", idp.Bearer("bob"))
	show(r, "/me", "")
	// Output:
	// 200 hello bob
	// 401 Not authenticated
}

// Admits everybody. The caller is nil for a guest.
func ExampleAuth_HandleOptional() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	r := echo.New()
	r.GET("/feed", auth.HandleOptional(func(c *echo.Context, caller *core.IDToken) error {
		if caller == nil {
			return c.String(http.StatusOK, "hello guest")
		}
		return c.String(http.StatusOK, "hello "+caller.Username())
	}))
	show(r, "/feed", idp.Bearer("bob"))
	show(r, "/feed", "")
	// Output:
	// 200 hello bob
	// 200 hello guest
}

// Guards all routes of a group. A handler finds its caller with IDToken.
func ExampleAuth_Required() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	r := echo.New()
	admin := r.Group("/admin", auth.Required(core.Roles("admin")))
	admin.GET("/users", func(c *echo.Context) error {
		return c.String(http.StatusOK, "hello "+echo5auth.IDToken(c).Username())
	})
	show(r, "/admin/users", idp.Bearer("alice"))
	show(r, "/admin/users", idp.Bearer("bob"))
	// Output:
	// 200 hello alice
	// 403 Insufficient permissions based on token claims.
}

// startProvider starts the test provider, with the users alice (role admin), bob and carol.
func startProvider() *oidctest.Provider {
	idp, err := oidctest.Start(oidctest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	return idp
}

// newAuth is New for a configuration that is known to be valid.
func newAuth(cfg core.Config) *echo5auth.Auth {
	auth, err := echo5auth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return auth
}

// show sends a GET request and prints the status and the body, of a refusal its detail. authorization is the header, "" for none.
func show(handler http.Handler, path, authorization string) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	status, body := answer.Code, answer.Body.String()
	var refusal struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal([]byte(body), &refusal) == nil && refusal.Detail != "" {
		body = refusal.Detail
	}
	fmt.Println(status, body)
}
