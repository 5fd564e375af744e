// Command fosite is an OpenID provider for tests that uses ory/fosite with its memory store. It listens on a free port of loopback and
// then prints one line of JSON: {"ready":true,"issuer":...}. fosite has no login form, discovery, keys and userinfo: this program has
// them, as short as possible. Every user name and password is accepted. The clients are web, with the secret below, and cli, which is
// public.
//
// Environment:
//
//	OP_CALLBACKS  redirect URIs of the clients, separated by spaces
//	OP_JWT        1: access tokens are JWTs; otherwise they are opaque
//	OP_ALG        RS256 or ES256
//	OP_AUTH       how clients must authenticate: client_secret_basic or client_secret_post
//	OP_OFFERS_ALL 1: discovery lists both
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"
)

const (
	keyID = "k1"
	api   = "https://api.example.test"
)

var form = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title><form method="post">
<input type="hidden" name="id" value="{{.}}"><input name="login"><input name="password" type="password"><button>Sign in</button></form>`))

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p := &provider{issuer: "http://" + listener.Addr().String()}
	if p.key, err = newKey(os.Getenv("OP_ALG")); err != nil {
		return err
	}
	clients, err := newStore(strings.Fields(os.Getenv("OP_CALLBACKS")))
	if err != nil {
		return err
	}
	p.compose(clients)
	fmt.Printf("{\"ready\":true,\"issuer\":%q}\n", p.issuer)
	server := &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

func newKey(alg string) (crypto.Signer, error) {
	if alg == "ES256" {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

func newStore(callbacks []string) (*storage.MemoryStore, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte("web-secret-0123456789abcdef0123456789abcdef"), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	store := storage.NewMemoryStore()
	for _, id := range []string{"web", "cli"} {
		store.Clients[id] = &fosite.DefaultOpenIDConnectClient{
			DefaultClient: &fosite.DefaultClient{
				ID: id, Secret: hash, Public: id == "cli", RedirectURIs: callbacks, ResponseTypes: []string{"code"},
				GrantTypes: []string{"authorization_code", "refresh_token"},
				Scopes:     []string{"openid", "profile", "email", "offline_access"}, Audience: []string{id, api},
			},
			TokenEndpointAuthMethod: map[string]string{"web": os.Getenv("OP_AUTH"), "cli": "none"}[id],
		}
	}
	return store, nil
}

// provider is what the routes share.
type provider struct {
	fosite.OAuth2Provider
	issuer  string
	key     crypto.Signer
	pending sync.Map // authorization requests that wait for the form, by their ID
}

func (p *provider) compose(store *storage.MemoryStore) {
	cfg := &fosite.Config{
		IDTokenIssuer: p.issuer, AccessTokenIssuer: p.issuer, AccessTokenLifespan: 5 * time.Minute, RefreshTokenLifespan: time.Hour,
		GlobalSecret: []byte(rand.Text() + rand.Text())[:32], EnforcePKCE: true, RefreshTokenScopes: []string{},
		ScopeStrategy: fosite.ExactScopeStrategy,
	}
	key := func(context.Context) (any, error) { return p.key, nil }
	var tokens oauth2.CoreStrategy = compose.NewOAuth2HMACStrategy(cfg)
	if os.Getenv("OP_JWT") != "" {
		tokens = compose.NewOAuth2JWTStrategy(key, compose.NewOAuth2HMACStrategy(cfg), cfg)
	}
	strategy := &compose.CommonStrategy{
		CoreStrategy: tokens, OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(key, cfg),
		Signer: &jwt.DefaultSigner{GetPrivateKey: key},
	}
	p.OAuth2Provider = compose.Compose(cfg, store, strategy,
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2PKCEFactory,
		compose.OpenIDConnectExplicitFactory, compose.OpenIDConnectRefreshFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)
}

func (p *provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /auth", p.ask)
	mux.HandleFunc("POST /auth", p.answer)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		p.WriteRevocationResponse(r.Context(), w, p.NewRevocationRequest(r.Context(), r))
	})
	return mux
}

func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	methods := []string{os.Getenv("OP_AUTH"), "none"}
	if os.Getenv("OP_OFFERS_ALL") != "" {
		methods = []string{"client_secret_post", "client_secret_basic", "none"}
	}
	reply(w, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/auth", "token_endpoint": p.issuer + "/token",
		"jwks_uri": p.issuer + "/jwks", "userinfo_endpoint": p.issuer + "/userinfo", "revocation_endpoint": p.issuer + "/revoke",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{os.Getenv("OP_ALG")}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": methods,
	})
}

func (p *provider) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: keyID, Algorithm: os.Getenv("OP_ALG"), Use: "sig"}}})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who has gone cannot be told
}

func (p *provider) ask(w http.ResponseWriter, r *http.Request) {
	request, err := p.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		p.WriteAuthorizeError(r.Context(), w, request, err)
		return
	}
	p.pending.Store(request.GetID(), request)
	_ = form.Execute(w, request.GetID())
}

func (p *provider) answer(w http.ResponseWriter, r *http.Request) {
	waiting, ok := p.pending.LoadAndDelete(r.PostFormValue("id"))
	user := r.PostFormValue("login")
	if !ok || user == "" {
		http.Error(w, "start again", http.StatusBadRequest)
		return
	}
	request := waiting.(fosite.AuthorizeRequester)
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetClient().GetAudience() {
		request.GrantAudience(audience)
	}
	response, err := p.NewAuthorizeResponse(r.Context(), request, p.session(user))
	if err != nil {
		p.WriteAuthorizeError(r.Context(), w, request, err)
		return
	}
	p.WriteAuthorizeResponse(r.Context(), w, request, response)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	request, err := p.NewAccessRequest(r.Context(), r, p.session(""))
	if err != nil {
		p.WriteAccessError(r.Context(), w, request, err)
		return
	}
	response, err := p.NewAccessResponse(r.Context(), request)
	if err != nil {
		p.WriteAccessError(r.Context(), w, request, err)
		return
	}
	p.WriteAccessResponse(r.Context(), w, request, response)
}

func (p *provider) userInfo(w http.ResponseWriter, r *http.Request) {
	_, request, err := p.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, p.session(""), "openid")
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	user := request.GetSession().GetSubject()
	reply(w, map[string]any{"sub": user, "email": user + "@example.test", "preferred_username": user})
}

// session has the claims of both JWTs: the ID token and the access token.
type session struct {
	*openid.DefaultSession
	Access *jwt.JWTClaims
}

func (p *provider) session(user string) *session {
	now, headers := time.Now(), &jwt.Headers{Extra: map[string]any{"kid": keyID}}
	return &session{
		&openid.DefaultSession{Subject: user, Username: user, Headers: headers, Claims: &jwt.IDTokenClaims{Issuer: p.issuer, Subject: user, AuthTime: now, RequestedAt: now}},
		&jwt.JWTClaims{Issuer: p.issuer, Subject: user, IssuedAt: now, Extra: map[string]any{}},
	}
}

// GetJWTClaims is part of oauth2.JWTSessionContainer.
func (s *session) GetJWTClaims() jwt.JWTClaimsContainer { return s.Access }

// GetJWTHeader is part of oauth2.JWTSessionContainer.
func (s *session) GetJWTHeader() *jwt.Headers { return s.Headers }

// Clone is part of [fosite.Session].
func (s *session) Clone() fosite.Session {
	access := *s.Access
	return &session{s.DefaultSession.Clone().(*openid.DefaultSession), &access}
}
