// A web application on fiber v3: people log in at an OpenID Connect provider, stay logged in, and log out.
package main

import (
	"cmp"
	"html/template"
	"log"
	"log/slog"
	"os"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
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
		Sessions:     &core.SessionConfig{},
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
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})   // the default refuses tokens over 4 KB
	app.Get("/", auth.HandleOptional(home))                    // everybody; the caller is nil for a guest
	app.Get("/dashboard", auth.Handle(dashboard))              // sends people to the login, and back here
	app.Get("/admin", auth.Handle(admin, core.Roles("admin"))) // others see a page that says so
	app.Post("/orders", auth.Handle(order))                    // refused if another site's form sends it
	api := app.Group("/api", auth.Required(core.Scopes("orders")))
	api.Get("/orders", orders)                // programs send a bearer token; without the scope: 403
	return app, auth.Mount(app, core.Paths{}) // /auth/v2/login, logout, session …
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html><meta charset="utf-8"><title>Shop</title>
{{if .}}<p>Hello {{.}}!</p><form method="post" action="/auth/v2/logout"><button>Log out</button></form>
{{else}}<p><a href="/auth/v2/login?return_to=/dashboard">Log in</a></p>{{end}}`))

func home(c fiber.Ctx, caller *core.IDToken) error {
	c.Set("Content-Type", "text/html; charset=utf-8")
	return page.Execute(c, cmp.Or(caller.Name(), caller.Username()))
}

func dashboard(c fiber.Ctx, caller *core.IDToken) error {
	return c.SendString("Only you see this, " + caller.Username() + ".")
}

func admin(c fiber.Ctx, caller *core.IDToken) error {
	return c.SendString("Only administrators see this, " + caller.Username() + ".")
}

func order(c fiber.Ctx, caller *core.IDToken) error {
	return c.Status(fiber.StatusCreated).SendString("Ordered by " + caller.Subject() + ".")
}

func orders(c fiber.Ctx) error {
	return c.JSON(fiber.Map{"orders_of": fiber3auth.IDToken(c).Username()})
}
