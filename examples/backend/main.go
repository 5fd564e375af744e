// A web application on plain net/http that calls another API in the name of the person who uses it.
package main

import (
	"cmp"
	"io"
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
	auth, err := httpauth.New(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Scopes:       []string{"profile", "email"},      // and what the other API asks for
		Sessions:     &core.SessionConfig{},
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	router, err := newRouter(auth, os.Getenv("ORDERS_URL")) // https://orders.example.org/me, an API that accepts tokens of the provider
	if err != nil {
		log.Fatal(err)
	}
	log.Print(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(auth *httpauth.Auth, orders string) (*http.ServeMux, error) {
	b := &backend{auth: auth, orders: orders, client: &http.Client{Timeout: 10 * time.Second}}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handle(b.show)) // people with a session, and programs with a bearer token
	return mux, auth.Mount(mux, core.Paths{})
}

// backend calls the other API.
type backend struct {
	auth   *httpauth.Auth
	orders string
	client *http.Client
}

func (b *backend) show(w http.ResponseWriter, r *http.Request, _ *core.IDToken) {
	token, err := b.auth.AccessToken(r.Context()) // refreshed, if it is about to expire
	if err != nil {                               // there is none any more: 401, or the login; the provider or the store is down: 503 with Retry-After
		b.auth.Answer(r.Context(), core.CredentialsOf(r), err).WriteTo(w)
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, b.orders, nil)
	if err != nil {
		http.Error(w, "The address of the orders is wrong.", http.StatusInternalServerError)
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := b.client.Do(request)
	if err != nil {
		log.Print("orders: ", err)
		http.Error(w, "The orders are not available now.", http.StatusBadGateway)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		log.Print("orders: ", answer.Status) // 401: the token's aud does not name that API, see its Config.Audience
		http.Error(w, "The orders were refused.", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json") // always: HTML of the other API would run as a page of this application
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.Copy(w, answer.Body)
}
