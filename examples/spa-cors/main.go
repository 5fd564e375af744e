// An API on chi for a single-page application on another site: its script logs in with a code and PKCE of its own and sends tokens.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/cors"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

func main() {
	app := os.Getenv("APP_ORIGIN") // https://app.example.com, where the script comes from
	router, err := newRouter(core.Config{
		DiscoveryURL:   os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:       os.Getenv("CLIENT_ID"),
		ClientSecret:   os.Getenv("CLIENT_SECRET"),
		SecretKeys:     []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:      os.Getenv("PUBLIC_URL"),           // https://api.example.org
		RedirectURIs:   []string{app + "/"},               // where a login sends the browser, and a logout;
		PostLogoutURIs: []string{app + "/"},               // the provider has to know it too
		Logger:         slog.Default(),
	}, app)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(cfg core.Config, app string) (*chi.Mux, error) {
	auth, err := chiauth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(cors.Handler(cors.Options{ // before every guard: a preflight request has no token, and refusals need the headers too
		AllowedOrigins: []string{app}, // scheme, host and port, never *
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"WWW-Authenticate", "Retry-After"}, // what the script may read of a refusal
		MaxAge:         600,                                         // seconds
	}))
	r.Get("/me", auth.Handle(me)) // callers with a valid token
	return r, auth.Mount(r, core.Paths{})
}

func me(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"sub": token.Subject(), "name": token.Username()})
}
