// A single-page application and its API on one origin, on plain net/http: the browser has a session, the script has no token.
package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

//go:embed static
var files embed.FS

func main() {
	auth, err := httpauth.New(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Sessions:     &core.SessionConfig{},
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	handler, err := newHandler(auth)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), handler))
}

func newHandler(auth *httpauth.Auth) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", page) // every other path is the application's own
	mux.Handle("GET /static/", http.FileServerFS(files))
	mux.Handle("GET /api/", http.NotFoundHandler())
	mux.Handle("GET /api/me", auth.Handle(me, core.NoRedirect)) // 401 for everybody without a session
	mux.Handle("POST /api/orders", auth.Handle(order, core.NoRedirect))
	return withPolicy(mux), auth.Mount(mux, core.Paths{}) // /auth/v2/login, logout, session …
}

// withPolicy lets pages load and call this origin alone, so that injected markup runs no script and sends nothing away.
func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache") // a new release is seen at the next load
	http.ServeFileFS(w, r, files, "static/index.html")
}

func me(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	writeJSON(w, http.StatusOK, map[string]any{"sub": caller.Subject(), "roles": caller.Roles()})
}

func order(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	writeJSON(w, http.StatusCreated, map[string]string{"ordered_by": caller.Username()})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
