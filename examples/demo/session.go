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

// sessions keeps the tokens of those who are logged in, in memory. A browser holds the refresh token in a cookie that no
// script reads; the page asks for its tokens with it, so none of them ever stands in an address. After a restart the
// cookie is what brings the login back. Safe for concurrent use.
type sessions struct {
	cookie string // its name holds the port: cookies of two demos on one host do not meet
	auth   *core.Auth
	guard  *core.Guard // admits the tokens that the page hands in
	token  core.Route  // where a refresh token is spent

	mu    sync.Mutex
	byKey map[string]session
}

// session is one login: the tokens, and whose they are.
type session struct {
	Token  *core.Token `json:"token"`
	Caller *profile    `json:"caller"`
}

// newSession shows the scopes of the access token: an ID token names none.
func newSession(token *core.Token, caller *core.IDToken) session {
	shown := me(caller)
	shown.Scopes = strings.Fields(token.Scope)
	return session{token, shown}
}

func newSessions(port string) *sessions {
	return &sessions{cookie: "oidcauth-demo-" + port, byKey: make(map[string]session)}
}

// use takes what sessions need of the application's auth, whose configuration knows them already.
func (s *sessions) use(auth *core.Auth) error {
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		return err
	}
	s.auth, s.guard = auth, auth.Required()
	s.token = routes[slices.IndexFunc(routes, func(r core.Route) bool { return r.Name == "token" })]
	return nil
}

// onLogin ends the callback route: the tokens stay here, the browser gets the cookie and goes to the page.
func (s *sessions) onLogin(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
	header := http.Header{"Location": {"/"}, "Cache-Control": {"no-store"}}
	header.Add("Set-Cookie", s.begin(newSession(token, token.Caller())).String())
	return &core.Response{Status: http.StatusSeeOther, Header: header}
}

// begin stores a login and returns its cookie. Logins that have ended go.
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

// key returns the value of the request's cookie, "" when it has none.
func (s *sessions) key(r *http.Request) string {
	cookie, err := r.Cookie(s.cookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// get tells the page its tokens and whose they are; both are null when nobody is logged in. A cookie from before a
// restart is spent for new tokens.
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

// refresh asks the token route as any client does, without the way through the network.
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

// admit asks the guard about a token that no request brought.
func (s *sessions) admit(ctx context.Context, token *core.Token) (*core.IDToken, error) {
	decision := s.guard.Admit(ctx, core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token.AccessToken}}})
	if decision.Refusal != nil {
		return nil, decision.Err
	}
	return decision.Caller, nil
}

// put takes the tokens that the page got from the token route, after a refresh or a device login: they pass the guard
// first, as every token does.
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

// remove forgets the login.
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
