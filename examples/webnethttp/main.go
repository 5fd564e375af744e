// A web application on net/http: people log in at an OpenID Connect provider, stay logged in, and log out.
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

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
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

func newRouter(cfg core.Config) (*http.ServeMux, error) {
	auth, err := httpauth.New(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", auth.HandleOptional(home))                 // everybody; the caller is nil for a guest
	mux.Handle("GET /dashboard", auth.Handle(dashboard))              // sends people to the login, and back here
	mux.Handle("GET /admin", auth.Handle(admin, core.Roles("admin"))) // others see a page that says so
	mux.Handle("POST /orders", auth.Handle(order))                    // refused if another site's form sends it
	api := http.NewServeMux()
	api.HandleFunc("GET /api/orders", orders)
	mux.Handle("/api/", auth.Required(core.Scopes("orders"))(api)) // programs send a bearer token; without the scope: 403
	return mux, auth.Mount(mux, core.Paths{})                      // /auth/v2/login, logout, session …
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
	_ = json.NewEncoder(w).Encode(map[string]string{"orders_of": httpauth.IDToken(r).Username()})
}
