// An application that issues tokens of its own, on chi, with its sessions in an SQLite file.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // registers sqlite://
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

func main() {
	auth, err := chiauth.New(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org/api: the issuer of the tokens
		StoreURL:     os.Getenv("STORE_URL"),            // sqlite:////var/lib/app/broker.sqlite
		Broker:       &core.BrokerConfig{},
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	router, err := newRouter(auth)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(auth *chiauth.Auth) (*chi.Mux, error) {
	r := chi.NewRouter()
	r.Get("/me", auth.Handle(me)) // callers with a token of this application
	r.Get("/ready", func(w http.ResponseWriter, r *http.Request) { ready(w, auth.Ready(r.Context())) })
	return r, auth.Mount(r, core.Paths{Prefix: "/api"})
}

func me(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"sub": token.Subject(), "roles": token.Roles()})
}

func ready(w http.ResponseWriter, err error) {
	if err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}
