// A web application on echo v5: people log in at an OpenID Connect provider, stay logged in, and log out.
package main

import (
	"cmp"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"os"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
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
		Sessions:     &core.SessionConfig{},
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
	e := echo.New()
	e.GET("/", auth.HandleOptional(home))                    // everybody; the caller is nil for a guest
	e.GET("/dashboard", auth.Handle(dashboard))              // sends people to the login, and back here
	e.GET("/admin", auth.Handle(admin, core.Roles("admin"))) // others see a page that says so
	e.POST("/orders", auth.Handle(order))                    // refused if another site's form sends it
	api := e.Group("/api", auth.Required(core.Scopes("orders")))
	api.GET("/orders", orders)            // programs send a bearer token; without the scope: 403
	return e, auth.Mount(e, core.Paths{}) // /auth/v2/login, logout, session …
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html><meta charset="utf-8"><title>Shop</title>
{{if .}}<p>Hello {{.}}!</p><form method="post" action="/auth/v2/logout"><button>Log out</button></form>
{{else}}<p><a href="/auth/v2/login?return_to=/dashboard">Log in</a></p>{{end}}`))

func home(c *echo.Context, caller *core.IDToken) error {
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	return page.Execute(c.Response(), cmp.Or(caller.Name(), caller.Username()))
}

func dashboard(c *echo.Context, caller *core.IDToken) error {
	return c.String(http.StatusOK, "Only you see this, "+caller.Username()+".")
}

func admin(c *echo.Context, caller *core.IDToken) error {
	return c.String(http.StatusOK, "Only administrators see this, "+caller.Username()+".")
}

func order(c *echo.Context, caller *core.IDToken) error {
	return c.String(http.StatusCreated, "Ordered by "+caller.Subject()+".")
}

func orders(c *echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"orders_of": echo5auth.IDToken(c).Username()})
}
