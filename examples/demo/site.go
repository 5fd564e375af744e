package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

// page is what the browser loads: one document, its style, its script and its icon, nothing from anywhere else.
//
//go:embed page
var page embed.FS

// sitePaths are the paths of the page; a framework hands them to the site's handler.
var sitePaths = []string{"/", "/demo.css", "/demo.js", "/icon.svg", "/session"}

// policy lets the page load its own files and ask its own server, and nothing else; no script or style stands inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageData is what the document is filled with.
type pageData struct {
	Framework, Base, Issuer string
	AdminScope, AdminRole   string
	Users                   []user
}

// newSite makes the handler of the page and its session.
func newSite(data pageData, s *sessions) (http.Handler, error) {
	document, err := render(data)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(document) // a client that has gone cannot be told
	})
	for _, name := range []string{"demo.css", "demo.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, page, "page/"+name)
		})
	}
	mux.HandleFunc("GET /session", s.get)
	mux.HandleFunc("PUT /session", s.put)
	mux.HandleFunc("DELETE /session", s.remove)
	return withHeaders(http.NewCrossOriginProtection().Handler(mux)), nil
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
