// An application on plain net/http whose users log in at an OpenID Connect provider.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

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
	mux.Handle("GET /me", auth.Handle(me))             // callers with a valid token
	mux.Handle("GET /feed", auth.HandleOptional(feed)) // everybody; the token is nil for a guest
	admin := http.NewServeMux()
	admin.HandleFunc("GET /admin/users", users)
	mux.Handle("/admin/", auth.Required(core.Scopes("admin"))(admin))
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			log.Print(err) // names what is missing
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, token, device …
}

func me(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	writeJSON(w, map[string]string{"sub": token.Subject(), "email": token.Email()})
}

func feed(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	writeJSON(w, map[string]string{"hello": cmp.Or(token.Username(), "guest")})
}

func users(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, map[string]string{"asked_by": httpauth.IDToken(r).Username()})
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
