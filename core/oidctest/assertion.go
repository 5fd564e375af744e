package oidctest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// assertionType is the client_assertion_type of a JWT (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertion is how far in the future an assertion may expire.
const maxAssertion = 5 * time.Minute

// clientKeyPair is the key of [KeyClient].
type clientKeyPair struct{ private, public []byte }

// clientKey is random, so that no published key gets into use. The process has one, so that a configuration fits every provider.
var clientKey = sync.OnceValue(func() clientKeyPair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("oidctest: client key: " + err.Error()) // the system has no random numbers
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic("oidctest: client key: " + err.Error())
	}
	signer, err := jose.WrapSigner(key, "", "")
	if err != nil {
		panic("oidctest: client key: " + err.Error())
	}
	public, err := jose.MarshalSet(signer)
	if err != nil {
		panic("oidctest: client key: " + err.Error())
	}
	return clientKeyPair{pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public}
})

// ClientKey returns the private key of the client [KeyClient] in PEM: an ES256 key, which is random and the same for every provider of this
// process. To use it, set ClientID, ClientKey and no ClientSecret in the configuration of [Provider.Config].
func ClientKey() []byte { return bytes.Clone(clientKey().private) }

// authenticateKey checks an assertion (RFC 7523 section 3, OpenID Connect Core section 9): the issuer is the only audience, and each jti is
// good once.
func (p *Provider) authenticateKey(r *http.Request) (Client, bool) {
	id := r.PostForm.Get("client_id")
	if r.Header.Get("Authorization") != "" || r.PostForm.Has("client_secret") || r.PostForm.Get("client_assertion_type") != assertionType {
		return Client{}, false
	}
	token, err := jose.Parse(r.PostForm.Get("client_assertion"))
	if err != nil {
		return Client{}, false
	}
	issuer, err := token.UnverifiedIssuer()
	client, known := p.client(issuer)
	if err != nil || !known || client.Keys == nil || id != "" && id != client.ID {
		return Client{}, false
	}
	keys, err := jose.ParseSet(client.Keys, "RS256")
	if err != nil {
		return Client{}, false
	}
	key, known := keys.Find(token.Header)
	if !known {
		return Client{}, false
	}
	claims, err := token.Verify(key)
	if err != nil {
		return Client{}, false
	}
	var errs [4]error
	var subject, audience, jti string
	var expires float64
	subject, errs[0] = claims.String("sub")
	audience, errs[1] = claims.String("aud")
	jti, errs[2] = claims.String("jti")
	expires, _, errs[3] = claims.Number("exp", false)
	ends := time.Unix(int64(expires), 0)
	offered := len(p.set.authMethods) == 0 || slices.Contains(p.set.authMethods, "private_key_jwt")
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	good := errs == [4]error{} && offered && subject == client.ID && audience == p.issuer && jti != "" && now.Before(ends) && ends.Before(now.Add(maxAssertion))
	if _, again := p.assertions.get(client.ID + " " + jti); !good || again {
		return Client{}, false
	}
	p.assertions.put(client.ID+" "+jti, struct{}{})
	return client, true
}

// clientAlgorithms lists the algorithms of assertions that discovery announces; ParseSet knows more.
var clientAlgorithms = jose.ClientAlgorithms
