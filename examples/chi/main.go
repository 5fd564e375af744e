// An application on chi whose users log in at an OpenID Connect provider.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
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
	r.Get("/me", auth.Handle(me))             // callers with a valid token
	r.Get("/feed", auth.HandleOptional(feed)) // everybody; the token is nil for a guest
	r.Route("/admin", func(admin chi.Router) {
		admin.Use(auth.Required(core.Scopes("admin")))
		admin.Get("/users", users)
	})
	r.Get("/ready", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			log.Print(err) // names what is missing
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return r, auth.Mount(r, core.Paths{}) // /auth/v2/login, token, device …
}

func me(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	writeJSON(w, map[string]string{"sub": token.Subject(), "email": token.Email()})
}

func feed(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	writeJSON(w, map[string]string{"hello": cmp.Or(token.Username(), "guest")})
}

func users(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, map[string]string{"asked_by": chiauth.IDToken(r).Username()})
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
