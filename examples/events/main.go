// A page with live events (server-sent events) on plain net/http: the stream ends with the session of the person who watches it.
package main

import (
	"cmp"
	"embed"
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
	mux.Handle("GET /{$}", auth.Handle(page))                       // sends people to the login
	mux.Handle("GET /events", auth.Handle(events, core.NoRedirect)) // 401 without a session: the browser then stops asking
	mux.Handle("GET /static/", http.FileServerFS(files))
	return mux, auth.Mount(mux, core.Paths{})
}

func page(w http.ResponseWriter, r *http.Request, _ *core.IDToken) {
	// No form-action: browsers apply it to redirects too, and a logout goes on to the provider.
	w.Header().Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	http.ServeFileFS(w, r, files, "static/index.html")
}

// events sends the time each second, until the person logs out, is logged out, or leaves. A guard sees only the request that begins
// a stream: UntilEnded watches the session from then on.
func events(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
	ctx, cancel := core.UntilEnded(r.Context())
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		_, _ = fmt.Fprintf(w, "data: %s, for %s\n\n", time.Now().Format(time.TimeOnly), caller.Username())
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			_, _ = fmt.Fprint(w, "event: end\ndata: The session has ended.\n\n")
			return
		}
	}
}
