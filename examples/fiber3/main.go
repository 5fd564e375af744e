// An application on fiber v3 whose users log in at an OpenID Connect provider.
package main

import (
	"cmp"
	"log"
	"log/slog"
	"os"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
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
	log.Fatal(router.Listen(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")))
}

func newRouter(cfg core.Config) (*fiber.App, error) {
	auth, err := fiber3auth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // room for tokens of more than 4 KB
	r.Get("/me", auth.Handle(me))                          // callers with a valid token
	r.Get("/feed", auth.HandleOptional(feed))              // everybody; the token is nil for a guest
	admin := r.Group("/admin", auth.Required(core.Scopes("admin")))
	admin.Get("/users", users)
	r.Get("/ready", func(c fiber.Ctx) error {
		if err := auth.Ready(c.Context()); err != nil {
			log.Print(err) // names what is missing
			return c.SendStatus(fiber.StatusServiceUnavailable)
		}
		return c.SendStatus(fiber.StatusOK)
	})
	return r, auth.Mount(r, core.Paths{}) // /auth/v2/login, token, device …
}

func me(c fiber.Ctx, token *core.IDToken) error {
	return c.JSON(fiber.Map{"sub": token.Subject(), "email": token.Email()})
}

func feed(c fiber.Ctx, token *core.IDToken) error {
	return c.JSON(fiber.Map{"hello": cmp.Or(token.Username(), "guest")})
}

func users(c fiber.Ctx) error {
	return c.JSON(fiber.Map{"asked_by": fiber3auth.IDToken(c).Username()})
}
