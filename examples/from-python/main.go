// The service of the guide from Python, on chi: it issues tokens of its own, and accepts those of a Python service.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // or postgresstore, mysqlstore, mongostore
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

func main() {
	router, err := newRouter(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"),
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Scopes:       []string{"profile", "email"},
		PublicURL:    os.Getenv("PUBLIC_URL"), // https://orders.example.org/api
		StoreURL:     os.Getenv("STORE_URL"),  // sqlite:////var/lib/orders/broker.sqlite
		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
		Broker: &core.BrokerConfig{
			Audience:       "shop",
			TrustedIssuers: []string{"https://billing.example.org/api"},
		},
		Logger: slog.Default(),
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
	r.Get("/api/orders", auth.Handle(orders, core.Roles("clerk")))
	r.Get("/api/hello", auth.HandleOptional(hello))
	return r, auth.Mount(r, core.Paths{Prefix: "/api"})
}

func orders(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	write(w, map[string]string{"for": token.Subject()})
}

func hello(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	write(w, map[string]string{"hello": cmp.Or(token.Username(), "guest")}) // a guest's token is nil
}

func write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
