package echo5auth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

// The routes in a group, a handler that takes the caller as an argument, and a group behind a guard.
func Example() {
	auth, err := echo5auth.New(core.Config{
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

	e := echo.New()
	if err := auth.Mount(e.Group("/api"), core.Paths{}); err != nil {
		fmt.Println(err)
		return
	}
	e.GET("/me", auth.Handle(func(c *echo.Context, token *core.IDToken) error {
		return c.JSON(http.StatusOK, map[string]string{"sub": token.Subject()})
	}))
	admin := e.Group("/admin", auth.Required(core.Scopes("admin"), core.Claim("groups", "admins")))
	admin.GET("/users", func(c *echo.Context) error {
		return c.String(http.StatusOK, "hello "+echo5auth.IDToken(c).Name())
	})

	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/admin/users", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}
}
