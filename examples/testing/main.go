// The application of the guide to testing: pages behind a login, and an API, on net/http.
package main

import (
	"cmp"
	"fmt"
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
		DiscoveryURL: os.Getenv("DISCOVERY_URL"),
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		PublicURL:    os.Getenv("PUBLIC_URL"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
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
	mux.Handle("GET /dashboard", auth.Handle(greet))
	mux.Handle("GET /orders", auth.Handle(greet, core.Scopes("orders:read")))
	mux.Handle("GET /admin", auth.Handle(greet, core.Roles("admin")))
	return mux, auth.Mount(mux, core.Paths{})
}

func greet(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "Hello %s of %v", caller.Name(), cmp.Or(caller.Claim("department"), any("nowhere")))
}
