package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// sessions keeps the tokens of logged-in users in memory. The browser has the refresh token in an HttpOnly cookie; the page
// fetches its tokens with this cookie, so that no token is ever in a URL. After a restart the cookie restores the login. Safe
// for concurrent use.
type sessions struct {
	cookie string // its name contains the port, so that two demos on one host do not share cookies
	auth   *core.Auth
	guard  *core.Guard // checks the tokens that the page sends
	token  core.Route  // redeems refresh tokens

	mu    sync.Mutex
	byKey map[string]session
}

// session is one login: its tokens and their user.
type session struct {
	Token  *core.Token `json:"token"`
	Caller *profile    `json:"caller"`
}

// newSession takes the scopes from the access token, because an ID token has none.
func newSession(token *core.Token, caller *core.IDToken) session {
	shown := me(caller)
	shown.Scopes = strings.Fields(token.Scope)
	return session{token, shown}
}

func newSessions(port string) *sessions {
	return &sessions{cookie: "oidcauth-demo-" + port, byKey: make(map[string]session)}
}

// use sets the guard and the token route, after the auth whose configuration refers to the sessions has been made.
func (s *sessions) use(auth *core.Auth) error {
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		return err
	}
	s.auth, s.guard = auth, auth.Required()
	s.token = routes[slices.IndexFunc(routes, func(r core.Route) bool { return r.Name == "token" })]
	return nil
}

// onLogin answers the callback route: it keeps the tokens, sets the cookie and redirects the browser to the page.
func (s *sessions) onLogin(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
	header := http.Header{"Location": {"/"}, "Cache-Control": {"no-store"}}
	header.Add("Set-Cookie", s.begin(newSession(token, token.Caller())).String())
	return &core.Response{Status: http.StatusSeeOther, Header: header}
}

// begin stores a login and returns its cookie. It removes logins that have ended.
func (s *sessions) begin(login session) *http.Cookie {
	key := cmp.Or(login.Token.RefreshToken, rand.Text())
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, ended := range s.byKey {
		if ended.Token.RefreshExpires < time.Now().Unix() {
			delete(s.byKey, old)
		}
	}
	s.byKey[key] = login
	return s.newCookie(key, 0)
}

func (s *sessions) newCookie(key string, age int) *http.Cookie {
	return &http.Cookie{Name: s.cookie, Value: key, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// key returns the value of the request's cookie, "" if there is none.
func (s *sessions) key(r *http.Request) string {
	cookie, err := r.Cookie(s.cookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// get returns the tokens and their user to the page; both are null if the user is not logged in. After a restart it redeems the
// refresh token in the cookie.
func (s *sessions) get(w http.ResponseWriter, r *http.Request) {
	key := s.key(r)
	s.mu.Lock()
	login, known := s.byKey[key]
	s.mu.Unlock()
	if !known && key != "" {
		if token, caller, err := s.refresh(r.Context(), key); err == nil {
			login = newSession(token, caller)
			http.SetCookie(w, s.begin(login))
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, login)
}

// refresh calls the token route as any client does, but without the network.
func (s *sessions) refresh(ctx context.Context, refreshToken string) (*core.Token, *core.IDToken, error) {
	answer := s.token.Serve(ctx, &core.Request{Method: http.MethodPost, Form: url.Values{"refresh_token": {refreshToken}}})
	if answer.Status != http.StatusOK {
		return nil, nil, errors.New(http.StatusText(answer.Status))
	}
	token := new(core.Token)
	if err := json.Unmarshal(answer.Body, token); err != nil {
		return nil, nil, err
	}
	caller, err := s.admit(ctx, token)
	return token, caller, err
}

// admit checks a token with the guard, without a request.
func (s *sessions) admit(ctx context.Context, token *core.Token) (*core.IDToken, error) {
	decision := s.guard.Admit(ctx, core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token.AccessToken}}})
	if decision.Refusal != nil {
		return nil, decision.Err
	}
	return decision.Caller, nil
}

// put stores the tokens that the page got from the token route, after a refresh or a device login, if the guard admits them.
func (s *sessions) put(w http.ResponseWriter, r *http.Request) {
	var token core.Token
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, core.MaxForm)).Decode(&token) != nil {
		http.Error(w, "not a token", http.StatusBadRequest)
		return
	}
	caller, err := s.admit(r.Context(), &token)
	if err != nil {
		http.Error(w, "not a token of this application", http.StatusForbidden)
		return
	}
	s.end(r)
	login := newSession(&token, caller)
	http.SetCookie(w, s.begin(login))
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, login)
}

// remove deletes the login.
func (s *sessions) remove(w http.ResponseWriter, r *http.Request) {
	s.end(r)
	http.SetCookie(w, s.newCookie("", -1))
	w.WriteHeader(http.StatusNoContent)
}

func (s *sessions) end(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byKey, s.key(r))
}
