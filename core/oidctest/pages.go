package oidctest

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is the data of the provider's pages.
type page struct {
	Title, Text, Client, User, Action, Code string
	Users, Scopes                           []string
	Passwords                               bool // some users have one
}

func (p *Provider) renderPage(w http.ResponseWriter, status int, name string, data page) {
	data.Passwords = p.hasPasswords()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "same-origin") // so that forms send Origin
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // an error only means that the browser has disconnected
}
