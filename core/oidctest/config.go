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

// Config returns a configuration of a service that uses this provider: the confidential client "app", the PublicURL
// http://localhost:8080/api, and a random secret key, which is the same for every provider of this process. Scopes is empty, which means
// its default. For a provider without a network, HTTPClient is that of [Provider.Client]. Change the fields that your test is about.
func (p *Provider) Config() core.Config {
	var client *http.Client // nil: the default
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

// secretKey is random, so that no published key gets into use. The process has one key, so that services of several providers
// can share a store.
var secretKey = sync.OnceValue(func() string { return rand.Text() + rand.Text() })

const standaloneIssuer = "https://oidctest.invalid"

// standalone signs and verifies tokens with a key in memory, without a network.
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

// IDToken returns a caller for tests of handlers. It needs no provider and no network: it signs and verifies a token in memory. claims
// add to or replace the defaults: iss, sub ("alice"), aud, iat (now) and exp (in one hour). A nil value removes a claim. Of the claim
// resource_access, only the roles of the client "app" count. It panics if a guard would refuse the claims. Safe for concurrent use.
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
