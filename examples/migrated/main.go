// A page for guests, and one for people who are logged in, on net/http: what the guides for a migration end with.
package main

import (
	"cmp"
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
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
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
	mux.Handle("GET /{$}", auth.HandleOptional(home))
	mux.Handle("GET /profile", auth.Handle(profile))
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, callback, logout …
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html><meta charset="utf-8"><title>Shop</title>
{{if .}}<p>{{.}}</p><form method="post" action="/auth/v2/logout"><button>Log out</button></form>
{{else}}<a href="/auth/v2/login?return_to=/profile">Log in</a>{{end}}`))

func home(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, caller.Name())
}

func profile(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "You are %s, %s.", caller.Name(), caller.Email())
}
