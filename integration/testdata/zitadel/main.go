// Command zitadel is an OpenID provider for tests that uses zitadel/oidc with the memory store of its example. It listens on a free port
// of loopback and then prints one line of JSON: {"ready":true,"issuer":...}. The users are alice and bob, with the password x. The
// clients are web, with the secret below, and cli, which is public.
//
// Environment:
//
//	OP_CLIENT_KEYS  where the client web-key, which has no secret, publishes its keys
//	OP_CALLBACKS  redirect URIs of the clients, separated by spaces
//	OP_LOGOUT     where a logout may send the browser
//	OP_JWT        1: access tokens are JWTs; otherwise they are opaque
//	OP_ALG        RS256, ES256 or EdDSA
//
// POST /_test/rotate gives it a new signing key. The old one stays published, unless the query is ?drop=1.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	callbacks := strings.Fields(os.Getenv("OP_CALLBACKS"))
	storage.RegisterClients(
		storage.WebClient("web", "web-secret-0123456789abcdef0123456789abcdef", callbacks...),
		storage.NativeClient("cli", callbacks...),
		storage.WebClient(keyClient, "", callbacks...),
	)
	s := &store{Storage: storage.NewStorage(users{})}
	if err := s.rotate(false); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuer := "http://" + listener.Addr().String() + "/" // the example's endpoints are right only behind a slash
	alg := os.Getenv("OP_ALG")                           // the provider refuses its own EdDSA tokens otherwise
	example := exampleop.SetupServer(issuer, s, slog.New(slog.NewTextHandler(io.Discard, nil)), false,
		op.WithAccessTokenVerifierOpts(op.WithSupportedAccessTokenSigningAlgorithms(alg)),
		op.WithIDTokenHintVerifierOpts(op.WithSupportedIDTokenHintSigningAlgorithms(alg)))
	mux := http.NewServeMux()
	mux.Handle("/", example)
	mux.HandleFunc("POST /_test/rotate", func(w http.ResponseWriter, r *http.Request) {
		if err := s.rotate(r.URL.Query().Has("drop")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	fmt.Printf("{\"ready\":true,\"issuer\":%q}\n", issuer)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

// store is the example's store with keys that change, and clients that are set up as a deployment would.
type store struct {
	*storage.Storage

	mu   sync.Mutex
	keys []key // the first one signs
}

// SigningKey is part of [op.Storage].
func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.published()[0], nil }

// SignatureAlgorithms is part of [op.Storage].
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{s.published()[0].alg}, nil
}

// KeySet is part of [op.Storage].
func (s *store) KeySet(context.Context) (set []op.Key, err error) {
	for _, k := range s.published() {
		set = append(set, public{k})
	}
	return set, nil
}

func (s *store) published() []key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

func (s *store) rotate(drop bool) error {
	k, err := newKey(os.Getenv("OP_ALG"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if drop {
		s.keys = nil
	}
	s.keys = append([]key{k}, s.keys...)
	return nil
}

// GetClientByClientID is part of [op.Storage].
func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return client{c}, nil
}

// ClientCredentials is part of [op.ClientCredentialsStorage]: the example's service sid1 may get tokens in its own name.
func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.Storage.ClientCredentials(ctx, id, secret)
	if err != nil {
		return nil, err
	}
	return service{client{c}}, nil
}

// service is a client without users.
type service struct{ client }

// GrantTypes is part of [op.Client].
func (service) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeClientCredentials}
}

// keyClient authenticates with private_key_jwt.
const keyClient = "web-key"

// GetKeyByIDAndClientID is part of [op.Storage].
func (s *store) GetKeyByIDAndClientID(_ context.Context, id, name string) (*jose.JSONWebKey, error) {
	if name != keyClient {
		return nil, fmt.Errorf("%s has no keys", name)
	}
	response, err := http.Get(os.Getenv("OP_CLIENT_KEYS"))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	found := set.Key(id)
	if len(found) != 1 {
		return nil, fmt.Errorf("%d keys %q", len(found), id)
	}
	return &found[0], nil
}

// client adds to a client of the example: the device flow, where a logout may end, and JWTs.
type client struct{ op.Client }

// AuthMethod is part of [op.Client].
func (c client) AuthMethod() oidc.AuthMethod {
	if c.GetID() == keyClient {
		return oidc.AuthMethodPrivateKeyJWT
	}
	return c.Client.AuthMethod()
}

// AccessTokenType is part of [op.Client].
func (c client) AccessTokenType() op.AccessTokenType {
	if os.Getenv("OP_JWT") != "" {
		return op.AccessTokenTypeJWT
	}
	return op.AccessTokenTypeBearer
}

// GrantTypes is part of [op.Client].
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}
}

// PostLogoutRedirectURIs is part of [op.Client].
func (c client) PostLogoutRedirectURIs() []string { return []string{os.Getenv("OP_LOGOUT")} }

// key is a signing key, public its half that is published.
type key struct {
	id   string
	alg  jose.SignatureAlgorithm
	pair crypto.Signer
}

func newKey(alg string) (k key, err error) {
	k = key{id: alg + "-" + rand.Text()[:8], alg: jose.SignatureAlgorithm(alg)}
	switch alg {
	case "ES256":
		k.pair, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.pair, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.pair, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	return k, err
}

// SignatureAlgorithm is part of [op.SigningKey].
func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return k.alg }

// Key is part of [op.SigningKey].
func (k key) Key() any { return k.pair }

// ID is part of [op.SigningKey].
func (k key) ID() string { return k.id }

type public struct{ key }

// Algorithm is part of [op.Key].
func (p public) Algorithm() jose.SignatureAlgorithm { return p.alg }

// Use is part of [op.Key].
func (p public) Use() string { return "sig" }

// Key is part of [op.Key].
func (p public) Key() any { return p.pair.Public() }

// users have their login name as subject: the example's device pages give out that, whatever the subject is elsewhere.
type users struct{}

// GetUserByID is part of [storage.UserStore].
func (users) GetUserByID(id string) *storage.User {
	if id != "alice" && id != "bob" {
		return nil
	}
	return &storage.User{ID: id, Username: id, Password: "x", FirstName: id, LastName: "Example", Email: id + "@example.test", EmailVerified: true}
}

// GetUserByUsername is part of [storage.UserStore].
func (u users) GetUserByUsername(name string) *storage.User { return u.GetUserByID(name) }

// ExampleClientID is part of [storage.UserStore].
func (users) ExampleClientID() string { return "none" }
