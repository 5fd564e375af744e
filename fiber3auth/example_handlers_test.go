package fiber3auth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
)

// Mounts the routes under a prefix: /api/auth/v2/login, token, device and the others.
func ExampleAuth_Mount() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
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

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
	r.Get("/me", auth.Handle(func(c fiber.Ctx, caller *core.IDToken) error {
		return c.SendString("hello " + caller.Username())
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

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
	r.Get("/feed", auth.HandleOptional(func(c fiber.Ctx, caller *core.IDToken) error {
		if caller == nil {
			return c.SendString("hello guest")
		}
		return c.SendString("hello " + caller.Username())
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

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
	admin := r.Group("/admin", auth.Required(core.Roles("admin")))
	admin.Get("/users", func(c fiber.Ctx) error {
		return c.SendString("hello " + fiber3auth.IDToken(c).Username())
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
func newAuth(cfg core.Config) *fiber3auth.Auth {
	auth, err := fiber3auth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return auth
}

// show sends a GET request and prints the status and the body, of a refusal its detail. authorization is the header, "" for none.
func show(app *fiber.App, path, authorization string) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := app.Test(request, fiber.TestConfig{})
	if err != nil {
		log.Fatal(err)
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	status, body := answer.StatusCode, string(data)
	var refusal struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal([]byte(body), &refusal) == nil && refusal.Detail != "" {
		body = refusal.Detail
	}
	fmt.Println(status, body)
}
