// An API on plain net/http with which administrators list the sessions of a person, and end them.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // sessions are kept in an SQLite file
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

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
	router, err := newRouter(auth)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(auth *httpauth.Auth) (*http.ServeMux, error) {
	a := admin{auth}
	mux := http.NewServeMux()
	mux.Handle("GET /people/{subject}/sessions", auth.Handle(a.list, core.Roles("admin")))
	mux.Handle("DELETE /people/{subject}/sessions", auth.Handle(a.endAll, core.Roles("admin")))
	mux.Handle("DELETE /people/{subject}/sessions/{id}", auth.Handle(a.endOne, core.Roles("admin")))
	return mux, auth.Mount(mux, core.Paths{})
}

// admin has the handlers. A person is an issuer and a subject; here, people come from the administrator's own provider.
type admin struct{ auth *httpauth.Auth }

// list answers with the sessions, newest first.
func (a admin) list(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
	issuer, _ := caller.Person()
	sessions, err := a.auth.SessionsOf(r.Context(), issuer, r.PathValue("subject"))
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	list := make([]map[string]any, 0, len(sessions))
	for _, s := range sessions {
		list = append(list, map[string]any{"id": s.ID, "browser": s.Agent, "started": s.Started, "seen": s.Seen})
	}
	writeJSON(w, list)
}

// endAll ends everything of the person, on every instance within two seconds: sessions, tokens, and logins in progress.
func (a admin) endAll(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
	issuer, _ := caller.Person()
	ended, err := a.auth.EndSessions(r.Context(), issuer, r.PathValue("subject"))
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	log.Printf("%s ended %d sessions of %q", caller.Subject(), ended, r.PathValue("subject"))
	writeJSON(w, map[string]int{"ended": ended})
}

// endOne ends one session, if it is one of the person.
func (a admin) endOne(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
	issuer, _ := caller.Person()
	sessions, err := a.auth.SessionsOf(r.Context(), issuer, r.PathValue("subject"))
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	if !slices.ContainsFunc(sessions, func(s core.SessionInfo) bool { return s.ID == r.PathValue("id") }) {
		http.NotFound(w, r)
		return
	}
	if err := a.auth.EndSession(r.Context(), r.PathValue("id")); err != nil {
		a.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers while the store is down: 503.
func (a admin) refuse(w http.ResponseWriter, r *http.Request, err error) {
	log.Print(err)
	a.auth.Answer(r.Context(), core.CredentialsOf(r), err).WriteTo(w)
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
