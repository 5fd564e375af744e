// An application on echo v5 whose users log in at an OpenID Connect provider.
package main

import (
	"cmp"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

func main() {
	router, err := newRouter(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := router.Start(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")); err != nil { // nil after Ctrl-C
		log.Fatal(err)
	}
}

func newRouter(cfg core.Config) (*echo.Echo, error) {
	auth, err := echo5auth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := echo.New()
	r.GET("/me", auth.Handle(me))             // callers with a valid token
	r.GET("/feed", auth.HandleOptional(feed)) // everybody; the token is nil for a guest
	admin := r.Group("/admin", auth.Required(core.Scopes("admin")))
	admin.GET("/users", users)
	r.GET("/ready", func(c *echo.Context) error {
		if err := auth.Ready(c.Request().Context()); err != nil {
			log.Print(err) // names what is missing
			return c.NoContent(http.StatusServiceUnavailable)
		}
		return c.NoContent(http.StatusOK)
	})
	return r, auth.Mount(r, core.Paths{}) // /auth/v2/login, token, device …
}

func me(c *echo.Context, token *core.IDToken) error {
	return c.JSON(http.StatusOK, map[string]string{"sub": token.Subject(), "email": token.Email()})
}

func feed(c *echo.Context, token *core.IDToken) error {
	return c.JSON(http.StatusOK, map[string]string{"hello": cmp.Or(token.Username(), "guest")})
}

func users(c *echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"asked_by": echo5auth.IDToken(c).Username()})
}
