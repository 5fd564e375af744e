// A bank's pages on net/http: everybody logs in once, and a payment needs a login with a second factor from the last five minutes.
package main

import (
	"cmp"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

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
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://bank.example.org
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
	mux.Handle("GET /account", auth.Handle(account))
	// What your provider calls a login with a second factor; any of the values is enough.
	strong, recent := core.ACR("gold", "platinum"), core.MaxAge(5*time.Minute)
	mux.Handle("GET /payment", auth.Handle(form, strong, recent))
	mux.Handle("POST /payment", auth.Handle(pay, strong, recent)) // also for programs, with a bearer token
	return mux, auth.Mount(mux, core.Paths{})
}

func account(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "The account of %s.", caller.Username())
}

func form(w http.ResponseWriter, _ *http.Request, _ *core.IDToken) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!DOCTYPE html><meta charset="utf-8"><title>Payment</title><form method="post"><button>Pay</button></form>`)
}

func pay(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	_, _ = fmt.Fprintf(w, "Paid by %s.", caller.Username())
}
