package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// service is an application in broker mode, called through its token route.
type service struct {
	auth  *core.Auth
	token core.Route
}

// newService makes a service on a store whose own tokens have an algorithm, and that caches none. The provider answers all logins and
// refreshes with the same tokens, signed in advance, so that its work is not measured.
func newService(k *key, p *provider, db store.Store, algorithm string) (*service, error) {
	return newServiceOf(k, p, db, algorithm, -1)
}

// newCachingService makes one that caches as many as it does by default.
func newCachingService(k *key, p *provider, db store.Store, algorithm string) (*service, error) {
	return newServiceOf(k, p, db, algorithm, 0)
}

func newServiceOf(k *key, p *provider, db store.Store, algorithm string, cacheSize int) (*service, error) {
	p.token = toJSON(claims{
		"access_token": k.token(keycloak(nil)), "id_token": k.token(keycloak(claims{"aud": clientID, "typ": "ID"})), "refresh_token": encode(random(64)),
		"token_type": "Bearer", "expires_in": 3600, "refresh_expires_in": 86400, "scope": "openid profile email",
	})
	config := p.config(cacheSize)
	config.Broker, config.Store = &core.BrokerConfig{SigningAlgorithm: algorithm}, db
	auth, err := core.New(config)
	if err != nil {
		return nil, err
	}
	table, err := auth.Routes(core.Paths{})
	if err != nil {
		return nil, err
	}
	s := &service{auth: auth}
	for _, route := range table {
		if route.Name == "token" {
			s.token = route
		}
	}
	return s, nil
}

// post returns the body of the token route's answer.
func (s *service) post(ctx context.Context, form url.Values) ([]byte, error) {
	answer := s.token.Serve(ctx, &core.Request{Method: http.MethodPost, Form: form, Header: http.Header{}})
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("the token route answers %d %s", answer.Status, answer.Body)
	}
	return answer.Body, nil
}

func (s *service) ask(ctx context.Context, form url.Values) (*core.Token, error) {
	body, err := s.post(ctx, form)
	if err != nil {
		return nil, err
	}
	token := new(core.Token)
	return token, json.Unmarshal(body, token)
}

// login starts a session, as a program on the user's machine does.
func (s *service) login(ctx context.Context) (*core.Token, error) {
	return s.ask(ctx, url.Values{"code": {"c"}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "code_verifier": {strings.Repeat("v", 43)}})
}

func (s *service) refresh(ctx context.Context, token *core.Token) (*core.Token, error) {
	return s.ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}})
}

// sessionID returns the id of the row of a token's session.
func sessionID(token *core.Token) (string, error) {
	parts := strings.Split(token.AccessToken, ".")
	if len(parts) != 3 {
		return "", errors.New("no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var found struct {
		Session string `json:"sid"`
	}
	return found.Session, json.Unmarshal(payload, &found)
}
