package oidctest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Config returns a configuration that works with this provider: the confidential client "app", the scopes profile and
// email, a PublicURL on loopback, for a login through the own callback, and a random secret key, the same for every
// provider of this process; the HTTPClient is [Provider.Client] for a provider without a network. Change what the test is
// about.
func (p *Provider) Config() core.Config {
	var client *http.Client // the default one
	if p.server == nil {
		client = p.Client()
	}
	return core.Config{
		HTTPClient:   client,
		DiscoveryURL: p.DiscoveryURL(),
		ClientID:     ConfidentialClient,
		ClientSecret: ClientSecret,
		PublicURL:    "http://localhost:8080/api",
		RedirectURIs: nil, // the loopback rule
		SecretKeys:   []string{secretKey()},
	}
}

// secretKey is random, so that nobody can go on using a published one. One key for the process: services of several
// providers can share a store.
var secretKey = sync.OnceValue(func() string { return rand.Text() + rand.Text() })

const standaloneIssuer = "https://oidctest.invalid"

// standalone verifies tokens without any network: its provider is a key in memory.
type standalone struct {
	signer *jose.Signer
	guard  *core.Guard
}

var newStandalone = sync.OnceValues(func() (*standalone, error) {
	signer, err := jose.NewSigner("oidctest", "ES256")
	if err != nil {
		return nil, err
	}
	document, err := jose.MarshalSet(signer)
	if err != nil {
		return nil, err
	}
	auth, err := core.New(core.Config{
		Issuer: standaloneIssuer, JWKSURL: standaloneIssuer + "/jwks", ClientID: ConfidentialClient, Audience: []string{core.AnyAudience},
		HTTPClient: &http.Client{Transport: inMemory(document)},
	})
	if err != nil {
		return nil, err
	}
	return &standalone{signer: signer, guard: auth.Required()}, nil
})

// inMemory answers every request with one document.
type inMemory []byte

func (d inMemory) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(d)), Request: request,
	}, nil
}

// IDToken returns a caller for the tests of handlers, without a provider and without a network: a real token, signed
// and verified in memory. claims are added to sub "alice", an expiry in an hour, and an issuer; a nil value takes one
// out. Of resource_access, the roles of the client "app" are the caller's. It panics where a guard would refuse the claims.
func IDToken(claims Claims) *core.IDToken {
	token, err := idToken(claims)
	if err != nil {
		panic("oidctest: IDToken: " + err.Error())
	}
	return token
}

func idToken(claims Claims) (*core.IDToken, error) {
	s, err := newStandalone()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	all := Claims{"iss": standaloneIssuer, "sub": "alice", "aud": "oidctest", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	raw, err := s.signer.Sign("at+jwt", withoutNil(all))
	if err != nil {
		return nil, err
	}
	decision := s.guard.Admit(context.Background(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + raw}}})
	if decision.Err != nil {
		return nil, errors.New("these claims are refused by every guard")
	}
	return decision.Caller, nil
}
