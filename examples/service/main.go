// A service on plain net/http that calls another service: in the name of its caller, and in its own.
package main

import (
	"cmp"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func main() {
	auth, err := httpauth.New(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"), // or ClientKey
		PublicURL:    os.Getenv("PUBLIC_URL"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	router := newRouter(auth, "orders", os.Getenv("ORDERS_URL")) // https://orders.example.org: scheme, host and port
	log.Print(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

// newRouter takes the audience of the other service, as the provider knows it, and its origin.
func newRouter(auth *httpauth.Auth, audience, origin string) *http.ServeMux {
	s := &service{auth: auth, origin: origin, caller: core.AsCaller(audience).To(origin), own: core.AsService(audience).To(origin)}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handle(s.orders))
	mux.Handle("POST /report", auth.Handle(s.report, core.Roles("admin")))
	return mux
}

type service struct {
	auth        *httpauth.Auth
	origin      string
	caller, own core.As
}

// orders calls in the name of the caller: the other service sees who it is, and that it comes through this one.
func (s *service) orders(w http.ResponseWriter, r *http.Request, _ *core.IDToken) {
	s.pass(w, r, s.caller, "/mine")
}

// report calls in the name of this service, whoever asks.
func (s *service) report(w http.ResponseWriter, r *http.Request, _ *core.IDToken) {
	s.pass(w, r, s.own, "/all")
}

func (s *service) pass(w http.ResponseWriter, r *http.Request, as core.As, path string) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.origin+path, nil)
	if err != nil {
		http.Error(w, "The address of the orders is wrong.", http.StatusInternalServerError)
		return
	}
	answer, err := s.auth.Client(r.Context(), as).Do(request) // with a token from the cache, or a new one
	if err != nil {
		s.failed(w, r, err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		log.Print("orders: ", answer.Status)
		http.Error(w, "The orders were refused.", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.Copy(w, answer.Body)
}

// failed answers if there was no token, or no answer.
func (s *service) failed(w http.ResponseWriter, r *http.Request, err error) {
	if refusal := s.auth.Answer(r.Context(), core.CredentialsOf(r), err); refusal.Status != http.StatusInternalServerError {
		refusal.WriteTo(w) // the provider does not take the caller's token (401), refuses (502) or is down (503)
		return
	}
	log.Print("orders: ", err) // the other service is down, or the address is wrong
	http.Error(w, "The orders are not available now.", http.StatusBadGateway)
}
