// A web application on gin: people log in at an OpenID Connect provider, stay logged in, and log out.
package main

import (
	"cmp"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func main() {
	cfg := core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Sessions:     &core.SessionConfig{},
		Logger:       slog.Default(),
	}
	router, err := newRouter(cfg)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(router.Run(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")))
}

func newRouter(cfg core.Config) (*gin.Engine, error) {
	auth, err := ginauth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := gin.Default()
	r.GET("/", auth.HandleOptional(home))                    // everybody; the caller is nil for a guest
	r.GET("/dashboard", auth.Handle(dashboard))              // sends people to the login, and back here
	r.GET("/admin", auth.Handle(admin, core.Roles("admin"))) // others see a page that says so
	r.POST("/orders", auth.Handle(order))                    // refused if another site's form sends it
	api := r.Group("/api", auth.Required(core.Scopes("orders")))
	api.GET("/orders", orders)            // programs send a bearer token; without the scope: 403
	return r, auth.Mount(r, core.Paths{}) // /auth/v2/login, logout, session …
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html><meta charset="utf-8"><title>Shop</title>
{{if .}}<p>Hello {{.}}!</p><form method="post" action="/auth/v2/logout"><button>Log out</button></form>
{{else}}<p><a href="/auth/v2/login?return_to=/dashboard">Log in</a></p>{{end}}`))

func home(c *gin.Context, caller *core.IDToken) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(c.Writer, cmp.Or(caller.Name(), caller.Username()))
}

func dashboard(c *gin.Context, caller *core.IDToken) {
	c.String(http.StatusOK, "Only you see this, %s.", caller.Username())
}

func admin(c *gin.Context, caller *core.IDToken) {
	c.String(http.StatusOK, "Only administrators see this, %s.", caller.Username())
}

func order(c *gin.Context, caller *core.IDToken) {
	c.String(http.StatusCreated, "Ordered by %s.", caller.Subject())
}

func orders(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"orders_of": ginauth.IDToken(c).Username()})
}
