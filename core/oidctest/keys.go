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

// keyRing holds signing keys, the last one in use.
type keyRing struct{ signers []*jose.Signer }

func (k *keyRing) current() *jose.Signer { return k.signers[len(k.signers)-1] }

// maxKeys bounds the ring: the oldest key goes.
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

// randomHex is n random bytes in hex.
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

// Sign makes a token of any claims with the key in use; typ "" leaves the type out. It panics for claims that are no
// JSON.
func (p *Provider) Sign(typ string, claims Claims) string { return mustSign(p.signer(), typ, claims) }

// SignForeign is Sign with a fresh key of somebody else that has the same key id and algorithm.
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
	_ = json.Unmarshal(document, &set) // written a line above
	p.answer(w, http.StatusOK, JWKSDocuments, set)
}
