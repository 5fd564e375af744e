package main

import (
	"context"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// adminRole is the role that GET admin requires.
const adminRole = "admin"

// freshAfter is SessionConfig.RefreshAfter: how old the claims of a session may be before the provider is asked again: short, so that changes at the provider
// show while somebody watches. The default is an hour.
const freshAfter = 5 * time.Second

// service is one of the services on the page: an Auth of its own, with its own cookie, on a store that all services share. The file of
// a framework mounts it below Path.
type service struct {
	Name, Path string
	base       string // of the whole demo: http://127.0.0.1:8080
	fresh      time.Duration
	auth       *core.Auth
	onlooker   *core.Guard     // tells the page who is logged in
	stop       context.Context // ends with the demo
}

// configure makes the Auth of a service. These are all the settings that browser sessions need.
func (s *service) configure(cfg core.Config, storeURL string, observe func(core.Event)) (err error) {
	cfg.PublicURL = s.base + s.Path
	cfg.StoreURL = storeURL
	cfg.SecretKeys = nil // the key is in a file beside the SQLite database
	cfg.Sessions = &core.SessionConfig{RefreshAfter: s.fresh}
	cfg.Observe = core.ObserveFunc(observe)
	if s.auth, err = core.New(cfg); err != nil {
		return err
	}
	s.onlooker = s.auth.Optional(core.SessionOnly)
	return nil
}

// person returns who is logged in at the service, and a context with the session; a guest is nil.
func (s *service) person(r *http.Request) (context.Context, *core.IDToken) {
	decision := s.onlooker.Admit(r.Context(), core.CredentialsOf(r))
	return decision.Context(r.Context()), decision.Caller
}

// The handlers of a service, independent of a framework: each returns its answer. The file of a framework adds the guard and writes the
// JSON.

// profile is what a service tells callers about themselves.
type profile struct {
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Session  string   `json:"session,omitempty"` // its ID; none for a bearer token
	Since    int64    `json:"since,omitempty"`   // Unix seconds
}

// me answers callers, not guests; session is nil for a bearer token.
func me(caller *core.IDToken, session *core.Session) *profile {
	p := &profile{
		Username: caller.Username(), Name: caller.Name(), Email: caller.Email(), Roles: append([]string{}, caller.Roles()...),
	}
	if session != nil {
		p.Session, p.Since = session.ID(), session.Started().Unix()
	}
	return p
}

// feed answers callers and guests; caller is nil for a guest.
func feed(caller *core.IDToken, session *core.Session) map[string]any {
	if caller.IsGuest() {
		return map[string]any{"items": []string{"what everybody may read"}, "reader": nil}
	}
	return map[string]any{"items": []string{"what everybody may read", "what " + caller.Username() + " alone may read"}, "reader": me(caller, session)}
}

// admin answers callers who have adminRole.
func admin(caller *core.IDToken) map[string]any {
	return map[string]any{"asked_by": caller.Username(), "users": userNames()}
}

// order answers a request that changes something. With a cookie, it is refused before this runs if another site sent it.
func order(caller *core.IDToken) map[string]any {
	return map[string]any{"ordered_by": caller.Username()}
}
