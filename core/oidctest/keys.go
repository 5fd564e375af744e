package oidctest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// keyRing holds the signing keys; the last one signs.
type keyRing struct{ signers []*jose.Signer }

func (k *keyRing) current() *jose.Signer { return k.signers[len(k.signers)-1] }

// maxKeys is the size of the ring; the oldest key is dropped.
const maxKeys = 16

func (k *keyRing) rotate(kid, algorithm string) error {
	if kid == "" {
		kid = randomHex(8)
	}
	signer, err := jose.NewSigner(kid, algorithm)
	if err != nil {
		return err
	}
	k.signers = append(k.signers, signer)
	k.signers = k.signers[max(0, len(k.signers)-maxKeys):]
	return nil
}

func (k *keyRing) drop() { k.signers = k.signers[len(k.signers)-1:] }

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return hex.EncodeToString(random)
}

func (p *Provider) signer() *jose.Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys.current()
}

// Sign returns a JWT with these claims and the header typ, signed with the current key. typ "" omits the header. It adds no claims and does
// not change them. It panics if the claims cannot be marshaled to JSON.
func (p *Provider) Sign(typ string, claims Claims) string { return mustSign(p.signer(), typ, claims) }

// SignForeign is [Provider.Sign] with a new key that the provider does not publish, but with the key ID (kid) and the algorithm of the current
// key: a forged token.
func (p *Provider) SignForeign(typ string, claims Claims) string {
	own := p.signer()
	foreign, err := jose.NewSigner(own.ID, own.Alg)
	if err != nil {
		panic(err)
	}
	return mustSign(foreign, typ, claims)
}

func mustSign(signer *jose.Signer, typ string, claims Claims) string {
	token, err := signer.Sign(typ, claims)
	if err != nil {
		panic(fmt.Sprintf("oidctest: %v", err))
	}
	return token
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	signers := slices.Clone(p.keys.signers)
	p.mu.Unlock()
	document, err := jose.MarshalSet(signers...)
	if err != nil {
		http.Error(w, "keys", http.StatusInternalServerError)
		return
	}
	var set Claims
	_ = json.Unmarshal(document, &set) // valid: made by MarshalSet
	p.answer(w, http.StatusOK, JWKSDocuments, set)
}
