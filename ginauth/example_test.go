package ginauth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

// The routes in a group, a handler that takes the caller as an argument, and a group behind a guard.
func Example() {
	auth, err := ginauth.New(core.Config{
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

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	if err := auth.Mount(engine.Group("/api"), core.Paths{}); err != nil {
		fmt.Println(err)
		return
	}
	engine.GET("/me", auth.Handle(func(c *gin.Context, token *core.IDToken) {
		c.JSON(http.StatusOK, gin.H{"sub": token.Subject()})
	}))
	admin := engine.Group("/admin", auth.Required(core.Scopes("admin"), core.Claim("groups", "admins")))
	admin.GET("/users", func(c *gin.Context) {
		c.String(http.StatusOK, "hello %s", ginauth.IDToken(c).Name())
	})

	answer := httptest.NewRecorder()
	engine.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/admin/users", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}
}
