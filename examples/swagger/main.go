// An API on plain net/http with Swagger UI, whose Authorize button logs in with a code and PKCE through the routes of this library.
package main

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
	swaggerui "github.com/swaggo/files/v2"
)

//go:embed static
var files embed.FS

func main() {
	public := os.Getenv("PUBLIC_URL") // http://localhost:8080
	handler, err := newHandler(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    public,
		RedirectURIs: []string{public + "/docs/callback"}, // where Swagger UI comes back to; register it at the provider
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), handler))
}

func newHandler(cfg core.Config) (http.Handler, error) {
	auth, err := httpauth.New(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /api/me", auth.Handle(me))
	mux.Handle("GET /api/users", auth.Handle(users, core.Roles("admin")))
	if err := auth.Mount(mux, core.Paths{}); err != nil { // /auth/v2/login and /auth/v2/token are what Swagger UI calls
		return nil, err
	}
	return mux, mountDocs(mux, cfg.PublicURL)
}

// mountDocs serves Swagger UI at /docs/. Its files are in the program: nothing comes from another server.
func mountDocs(mux *http.ServeMux, public string) error {
	document, err := files.ReadFile("static/openapi.json")
	if err != nil {
		return err
	}
	document = []byte(strings.ReplaceAll(string(document), "PUBLIC_URL", public))
	callback, err := fs.ReadFile(swaggerui.FS, "oauth2-redirect.html")
	if err != nil {
		return err
	}
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindSubmatch(callback)
	if script == nil {
		return errors.New("the page oauth2-redirect.html of Swagger UI has no script")
	}
	hash := sha256.Sum256(script[1]) // the one script inside of a page, allowed by its hash
	inline := "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"

	mux.Handle("GET /docs/", withPolicy("'self'", http.StripPrefix("/docs", http.FileServerFS(swaggerui.FS))))
	mux.Handle("GET /docs/{$}", withPolicy("'self'", file("static/index.html")))
	mux.Handle("GET /docs/start.js", withPolicy("'self'", file("static/start.js")))
	mux.Handle("GET /docs/openapi.json", withPolicy("'none'", content("application/json", document)))
	mux.Handle("GET /docs/callback", withPolicy(inline, content("text/html; charset=utf-8", callback)))
	mux.Handle("GET /{$}", http.RedirectHandler("/docs/", http.StatusFound))
	return nil
}

// withPolicy lets pages load and call this origin alone. Swagger UI needs images in data URLs.
func withPolicy(scripts string, next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src " + scripts + "; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func file(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, name) })
}

func content(kind string, data []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(data)
	})
}

func me(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	writeJSON(w, map[string]any{"sub": caller.Subject(), "roles": caller.Roles()})
}

func users(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
	writeJSON(w, map[string]string{"asked_by": caller.Username()})
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
