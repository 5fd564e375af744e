package fiber3auth_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
)

// The routes in a group, a handler that takes the caller as an argument, and a group behind a guard.
func Example() {
	auth, err := fiber3auth.New(core.Config{
		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
		ClientID:     "my-client",
		PublicURL:    "https://app.example.org/api",
		Logger:       slog.Default(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close() //nolint:errcheck // it always returns nil

	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
	if err := auth.Mount(app.Group("/api"), core.Paths{}); err != nil {
		fmt.Println(err)
		return
	}
	app.Get("/me", auth.Handle(func(c fiber.Ctx, token *core.IDToken) error {
		return c.JSON(fiber.Map{"sub": token.Subject()})
	}))
	admin := app.Group("/admin", auth.Required(core.Scopes("admin"), core.Claim("groups", "admins")))
	admin.Get("/users", func(c fiber.Ctx) error {
		return c.SendString("hello " + fiber3auth.IDToken(c).Name())
	})

	answer, err := app.Test(httptest.NewRequest(http.MethodGet, "/admin/users", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body), err)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"} <nil>
}
