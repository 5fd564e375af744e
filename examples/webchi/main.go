// A web application on chi: people log in at an OpenID Connect provider, stay logged in, and log out.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
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
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(cfg core.Config) (*chi.Mux, error) {
	auth, err := chiauth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Get("/", auth.HandleOptional(home))                                   // everybody; the caller is nil for a guest
	r.Get("/dashboard", auth.Handle(dashboard))                             // sends people to the login, and back here
	r.Get("/admin", auth.Handle(admin, core.Roles("admin")))                // others see a page that says so
	r.Post("/orders", auth.Handle(order))                                   // refused if another site's form sends it
	r.With(auth.Required(core.Scopes("orders"))).Get("/api/orders", orders) // programs send a bearer token; without the scope: 403
	return r, auth.Mount(r, core.Paths{})                                   // /auth/v2/login, logout, session …
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html><meta charset="utf-8"><title>Shop</title>
{{if .}}<p>Hello {{.}}!</p><form method="post" action="/auth/v2/logout"><button>Log out</button></form>
{{else}}<p><a href="/auth/v2/login?return_to=/dashboard">Log in</a></p>{{end}}`))

func home(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, cmp.Or(caller.Name(), caller.Username()))
}

func dashboard(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "Only you see this, %s.", caller.Username())
}

func admin(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "Only administrators see this, %s.", caller.Username())
}

func order(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, "Ordered by %s.", caller.Subject())
}

func orders(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"orders_of": chiauth.IDToken(r).Username()})
}
