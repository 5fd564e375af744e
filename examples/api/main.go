// An API on net/http for programs: they send an access token, and the API asks for scopes, roles and claims.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func main() {
	router, err := newRouter(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Audience:     strings.Fields(os.Getenv("AUDIENCE")), // https://api.example.org; empty: CLIENT_ID
		PublicURL:    os.Getenv("PUBLIC_URL"),               // https://api.example.org
		SecretKeys:   []string{os.Getenv("SECRET_KEY")},     // openssl rand -base64 48
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
	mux.Handle("GET /me", auth.Handle(me)) // any valid token for this API
	mux.Handle("GET /orders", auth.Handle(list, core.Scopes("orders:read")))
	mux.Handle("POST /orders", auth.Handle(create, core.Scopes("orders:write")))
	mux.Handle("DELETE /orders/{id}", auth.Handle(remove, core.Roles("admin")))
	mux.Handle("GET /invoices", auth.Handle(list, core.Claim("department", "finance", "audit"))) // one is enough
	mux.Handle("POST /import", auth.Handle(create, core.Scopes("orders:import")))                // for another service
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			log.Print(err) // names what is missing
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, device, token: for command-line tools
}

func me(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	write(w, http.StatusOK, map[string]any{"sub": caller.Subject(), "roles": caller.Roles(), "scopes": caller.Scopes()})
}

func list(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	write(w, http.StatusOK, map[string]any{"of": caller.Subject()})
}

func create(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	write(w, http.StatusCreated, map[string]any{"by": caller.Subject(), "through": caller.Claim("client_id")})
}

func remove(w http.ResponseWriter, _ *http.Request, _ *core.IDToken) {
	w.WriteHeader(http.StatusNoContent)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
