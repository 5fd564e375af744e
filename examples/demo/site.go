package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// page has everything that the browser loads: a document, its style, its script and its icon.
//
//go:embed page
var page embed.FS

// sitePaths lists the paths of the page; each framework serves them with the site's handler.
var sitePaths = []string{"/", "/demo.css", "/demo.js", "/icon.svg", "/session", "/peer", "/provider-token"}

// policy allows the page to load its own files and to call its own server, and nothing else; no inline script or style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageData is the data of the document.
type pageData struct {
	Framework, Base, Issuer string
	Peer                    string // the other application, "" if there is none
	Data                    string
	AdminScope, AdminRole   string
	Users                   []user
}

// newSite makes the handler of the page and its session.
func newSite(data pageData, s *sessions, provider *oidctest.Provider) (http.Handler, error) {
	document, err := render(data)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(document) // an error only means that the client has disconnected
	})
	for _, name := range []string{"demo.css", "demo.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, page, "page/"+name)
		})
	}
	mux.HandleFunc("GET /session", s.get)
	mux.HandleFunc("PUT /session", s.put)
	mux.HandleFunc("DELETE /session", s.remove)
	if data.Peer != "" {
		mux.HandleFunc("GET /peer", func(w http.ResponseWriter, r *http.Request) { s.peer(w, r, data.Peer) })
	}
	mux.HandleFunc("GET /provider-token", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]string{"access_token": providerToken(provider, r.URL.Query().Get("user"))})
	})
	return withHeaders(http.NewCrossOriginProtection().Handler(mux)), nil
}

// peer calls the other application with the caller's token. It is a guarded route without a framework: the guard gets the
// request's credentials, and a refusal is the answer.
func (s *sessions) peer(w http.ResponseWriter, r *http.Request, peer string) {
	decision := s.guard.Admit(r.Context(), core.CredentialsOf(r))
	if decision.Refusal != nil {
		decision.Refusal.WriteTo(w)
		return
	}
	answer, err := askPeer(r.Context(), peer, decision.Caller)
	if err != nil {
		http.Error(w, "the other application does not answer", http.StatusBadGateway)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, answer)
}

// providerToken returns an access token of the provider, as a program has that logs in there itself. Here it is valid only for
// a token exchange.
func providerToken(provider *oidctest.Provider, name string) string {
	known := slices.ContainsFunc(users, func(u user) bool { return u.Name == name })
	if !known {
		name = users[0].Name
	}
	return provider.AccessToken(name)
}

func render(data pageData) ([]byte, error) {
	parsed, err := template.ParseFS(page, "page/index.html")
	if err != nil {
		return nil, err
	}
	var document bytes.Buffer
	err = parsed.Execute(&document, data)
	return document.Bytes(), err
}

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
