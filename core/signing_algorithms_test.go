package core_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var signingAlgorithms = []string{"RS256", "ES256", "EdDSA"}

// signing sets the algorithm of own tokens, without an imported key.
func signing(algorithm string) func(*core.Config) {
	return func(c *core.Config) { c.Broker.SigningAlgorithm, c.Broker.ImportKey = algorithm, nil }
}

func algorithmOf(t testing.TB, token string) string {
	t.Helper()
	header, _ := unpack(t, token)
	return header["alg"].(string)
}

// jwk returns the published key with a kid.
func (f *flowService) jwk(kid string) map[string]string {
	f.t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(f.get("jwks", nil).Body, &set); err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(set.Keys, func(key map[string]string) bool { return key["kid"] == kid })
	if i < 0 {
		f.t.Fatalf("%s is not published: %v", kid, set.Keys)
	}
	return set.Keys[i]
}

func number(t testing.TB, text string) *big.Int {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(raw)
}

// publicOf reads a JWK as RFC 7518 section 6 and RFC 8037 section 2 describe it.
func publicOf(t testing.TB, key map[string]string) crypto.PublicKey {
	t.Helper()
	switch key["kty"] + key["crv"] {
	case "RSA":
		return &rsa.PublicKey{N: number(t, key["n"]), E: int(number(t, key["e"]).Int64())}
	case "ECP-256":
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(t, key["x"]), Y: number(t, key["y"])} //nolint:staticcheck // as a stranger would
	case "OKPEd25519":
		return ed25519.PublicKey(number(t, key["x"]).FillBytes(make([]byte, ed25519.PublicKeySize)))
	}
	t.Fatalf("got %v", key)
	return nil
}

// verifies reports whether a stranger who has only the JWK and the standard library accepts the signature.
func verifies(t testing.TB, key map[string]string, token string) bool {
	t.Helper()
	at := strings.LastIndex(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(token[:at]))
	switch public := publicOf(t, key).(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		return len(signature) == 64 && ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(token[:at]), signature)
	}
	return false
}

// Own tokens are signed with the configured algorithm, published as the RFCs describe, and accepted everywhere.
func TestSigningAlgorithms(t *testing.T) {
	members := map[string][]string{
		"RS256": {"alg", "e", "kid", "kty", "n", "use"}, "ES256": {"alg", "crv", "kid", "kty", "use", "x", "y"}, "EdDSA": {"alg", "crv", "kid", "kty", "use", "x"},
	}
	for _, algorithm := range append([]string{""}, signingAlgorithms...) {
		synctest.Test(t, func(t *testing.T) {
			want := algorithm
			if want == "" {
				want = "RS256"
			}
			b := newBubble(t)
			f := b.serve(signing(algorithm))
			token := f.begun()
			next := flowGranted(t, f.refresh(token.RefreshToken))
			exchanged := flowGranted(t, f.exchange(b.token(), nil))
			for _, raw := range []string{token.AccessToken, next.AccessToken, exchanged.AccessToken} {
				header, _ := unpack(t, raw)
				if header["alg"] != want || header["typ"] != "JWT" || len(header) != 3 || f.status(raw) != 200 {
					t.Errorf("%s: header %v, status %d", want, header, f.status(raw))
				}
				if !verifies(t, f.jwk(header["kid"].(string)), raw) {
					t.Errorf("%s: a stranger does not verify it", want)
				}
			}
			key := f.jwk(kidIn(t, token.AccessToken))
			if names := slices.Sorted(maps.Keys(key)); key["alg"] != want || key["use"] != "sig" || !slices.Equal(names, members[want]) {
				t.Errorf("%s: published as %v", want, key)
			}
			if kids := f.published(); len(kids) != 1 {
				t.Errorf("%s: published %v", want, kids)
			}
			if seen := f.auth.Inspect(t.Context(), token.AccessToken); !seen.Accepted || seen.Header["alg"] != want {
				t.Errorf("%s: inspected as %+v", want, seen)
			}
			f.leave(next.AccessToken)
			if f.status(next.AccessToken) != 401 {
				t.Errorf("%s: alive after logout", want)
			}
		})
	}
}

// A rolling change of the algorithm: instances with both settings verify both, the new key signs on all of them once it has been
// published for ten minutes, no further key is made, and the old key goes after its last token.
func TestSigningAlgorithmChanges(t *testing.T) {
	for _, c := range [][2]string{{"RS256", "ES256"}, {"ES256", "EdDSA"}, {"EdDSA", "RS256"}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t)
			old := []*flowService{b.serve(signing(c[0])), b.serve(signing(c[0]))}
			first := old[0].begun()
			next := []*flowService{b.serve(signing(c[1])), b.serve(signing(c[1]))}
			all := append(slices.Clone(old), next...)
			wantAll := func(when, algorithm string, tokens ...core.Token) {
				t.Helper()
				for i, f := range all {
					minted := f.begun()
					if got := algorithmOf(t, minted.AccessToken); got != algorithm {
						t.Errorf("%s to %s, %s: instance %d signs %s", c[0], c[1], when, i, got)
					}
					for _, g := range all {
						for _, token := range append(tokens, minted) {
							if status := g.status(token.AccessToken); status != 200 {
								t.Errorf("%s to %s, %s: %s is answered %d", c[0], c[1], when, algorithmOf(t, token.AccessToken), status)
							}
						}
					}
				}
				if rows, err := b.store.Store.Keys(t.Context()); err != nil || rows[len(rows)-1].Generation != 2 {
					t.Errorf("%s to %s, %s: keys %v, %v", c[0], c[1], when, rows, err)
				}
			}
			wantAll("at the start", c[0], first)
			time.Sleep(61 * time.Second)
			if kids := old[0].published(); len(kids) != 2 {
				t.Errorf("an old instance publishes %v", kids)
			}
			time.Sleep(8 * time.Minute)
			last := old[1].begun() // the last of the old algorithm
			wantAll("before the notice ends", c[0], first, last)
			time.Sleep(3 * time.Minute)
			wantAll("after the notice", c[1], first, last)
			if refreshed := flowGranted(t, next[0].refresh(first.RefreshToken)); algorithmOf(t, refreshed.AccessToken) != c[1] {
				t.Error("a refresh signs with the old key")
			}
			time.Sleep(untilEnd(last) - time.Second)
			wantAll("at the end of the last token", c[1], last)
			for _, f := range old {
				_ = f.auth.Close()
			}
			all = next
			time.Sleep(10 * time.Minute)
			wantAll("after it", c[1])
			if kids := next[0].published(); len(kids) != 1 || next[0].jwk(kids[0])["alg"] != c[1] {
				t.Errorf("%s to %s: published at the end: %v", c[0], c[1], kids)
			}
		})
	}
}

// A withdrawn key of each algorithm verifies nothing, and one of the configured algorithm replaces it.
func TestSigningAlgorithmWithdraw(t *testing.T) {
	for _, algorithm := range signingAlgorithms {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t)
			here, there := b.serve(signing(algorithm)), b.serve(signing(algorithm))
			token := here.begun()
			if there.status(token.AccessToken) != 200 {
				t.Fatal("refused")
			}
			if err := here.auth.WithdrawKey(t.Context(), kidIn(t, token.AccessToken)); err != nil {
				t.Fatal(err)
			}
			next := flowGranted(t, here.refresh(token.RefreshToken))
			if here.status(token.AccessToken) != 401 || here.status(next.AccessToken) != 200 || there.status(next.AccessToken) != 200 || algorithmOf(t, next.AccessToken) != algorithm {
				t.Errorf("%s: %d, then %d by %s", algorithm, here.status(token.AccessToken), here.status(next.AccessToken), algorithmOf(t, next.AccessToken))
			}
			time.Sleep(61 * time.Second)
			if status := there.status(token.AccessToken); status != 401 {
				t.Errorf("%s: elsewhere %d", algorithm, status)
			}
		})
	}
}

// attackers are keys of an attacker.
var attackers = sync.OnceValue(func() map[string]*jose.Signer {
	keys := make(map[string]*jose.Signer)
	for _, alg := range []string{"RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		signer, err := jose.NewSigner("", alg)
		if err != nil {
			panic(err)
		}
		keys[alg] = signer
	}
	return keys
})

// confused returns forgeries of a token: the same claims and kid, but another algorithm, signed with what an attacker has, which is the
// public key and keys of their own.
func confused(t testing.TB, token string, public crypto.PublicKey, jwk map[string]string) map[string]string {
	t.Helper()
	header, payload := unpack(t, token)
	kid := header["kid"].(string)
	parts := strings.Split(token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	with := func(alg string) string {
		return encode([]byte(toJSON(claims{"alg": alg, "kid": kid, "typ": "JWT"}))) + "." + parts[1]
	}
	forged := map[string]string{
		"none":          with("none") + ".",
		"none, signed":  with("none") + "." + parts[2],
		"no signature":  parts[0] + "." + parts[1] + ".AA",
		"their zeroes":  parts[0] + "." + parts[1] + "." + encode(make([]byte, 64)),
		"our signature": with("ES384") + "." + parts[2],
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"the DER": der, "the PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "the JWK": []byte(toJSON(jwk)), "x": number(t, jwk["x"]).Bytes(), "n": number(t, jwk["n"]).Bytes(),
	}
	for name, secret := range secrets {
		signed := with("HS256")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		forged["HS256 with "+name] = signed + "." + encode(mac.Sum(nil))
	}
	for alg, theirs := range attackers() {
		theirs.ID = kid
		raw, err := theirs.Sign("JWT", payload)
		if err != nil {
			t.Fatal(err)
		}
		forged["their "+alg] = raw
	}
	for _, alg := range append([]string{"Ed25519"}, signingAlgorithms...) {
		if alg != header["alg"] {
			forged[alg+" with our signature"] = with(alg) + "." + parts[2]
		}
	}
	return forged
}

// The key decides about the algorithm, never the header: a token that names a known key with another algorithm is refused for its
// signature, own tokens and those of trusted issuers alike.
func TestAlgorithmConfusion(t *testing.T) {
	for _, algorithm := range signingAlgorithms {
		synctest.Test(t, func(t *testing.T) {
			p, f := federated(t, signing(algorithm))
			peer := p.goPeer(signing(algorithm))
			for whose, signs := range map[string]*flowService{"own": f, "a peer's": peer} {
				token := signs.begun().AccessToken
				if status := f.status(token); status != 200 {
					t.Fatalf("%s %s: %d", whose, algorithm, status)
				}
				key := signs.jwk(kidIn(t, token))
				fetches := p.fetches()
				for name, forged := range confused(t, token, publicOf(t, key), key) {
					want := core.ErrSignature
					if name == "none" { // the signature is empty
						want = core.ErrMalformed
					}
					wantCause(t, whose+" "+algorithm+", "+name, f.auth.Required(), forged, want)
				}
				if n := p.fetches() - fetches; n != 0 {
					t.Errorf("%s %s: %d fetches for forgeries", whose, algorithm, n)
				}
			}
		})
	}
}

// goPeer makes another service of this library, which is the trusted issuer A, and publishes its keys.
func (p *peerNet) goPeer(changes ...func(*core.Config)) *flowService {
	p.t.Helper()
	first := func(c *core.Config) {
		c.PublicURL, c.Store, c.Broker.Audience = peerA, store.NewMemory(), shared
	}
	peer := p.over(p.brokerBubble, append([]func(*core.Config){first}, changes...)...)
	p.publishKeysOf(peer)
	return peer
}

func (p *peerNet) publishKeysOf(peer *flowService) {
	p.publish(peerA, document(string(peer.get("jwks", nil).Body)))
}

// Go services trust each other whatever each signs with, also while one of them changes its algorithm.
func TestPeersOfEachAlgorithm(t *testing.T) {
	for _, theirs := range signingAlgorithms {
		for _, ours := range signingAlgorithms {
			synctest.Test(t, func(t *testing.T) {
				p, f := federated(t, signing(ours))
				keys := store.NewMemory()
				peer := p.goPeer(signing(theirs), func(c *core.Config) { c.Store = keys })
				token := peer.begun()
				if caller := f.who(token.AccessToken); caller.Issuer() != peerA || algorithmOf(t, token.AccessToken) != theirs {
					t.Errorf("%s at %s: %v", theirs, ours, caller)
				}
				if f.status(f.begun().AccessToken) != 200 {
					t.Errorf("%s: own tokens", ours)
				}
				if theirs == ours {
					return
				}
				// The peer is started again with another algorithm, on its store.
				changed := p.goPeer(signing(ours), func(c *core.Config) { c.Store = keys })
				time.Sleep(11 * time.Minute)
				last := changed.begun()
				if algorithmOf(t, last.AccessToken) != ours || f.status(last.AccessToken) != 200 || f.status(token.AccessToken) != 200 {
					t.Errorf("%s to %s: %d, and %d for the older", theirs, ours, f.status(last.AccessToken), f.status(token.AccessToken))
				}
			})
		}
	}
}

// A trusted issuer may sign with no other algorithms, whatever it publishes.
func TestPeersOfOtherAlgorithms(t *testing.T) {
	for _, alg := range []string{"RS384", "RS512", "PS256", "PS512", "ES384", "ES512"} {
		synctest.Test(t, func(t *testing.T) {
			p, f := federated(t)
			good, err := jose.NewSigner("good", "ES256")
			if err != nil {
				t.Fatal(err)
			}
			bad, err := jose.NewSigner("bad", alg)
			if err != nil {
				t.Fatal(err)
			}
			set, err := jose.MarshalSet(good, bad)
			if err != nil {
				t.Fatal(err)
			}
			p.publish(peerA, document(string(set)))
			for _, c := range []struct {
				signer *jose.Signer
				status int
			}{{good, 200}, {bad, 401}} {
				token, err := c.signer.Sign("JWT", pythonClaims(peerA, shared))
				if err != nil {
					t.Fatal(err)
				}
				if status := f.status(token); status != c.status {
					t.Errorf("%s beside ES256: %s is answered %d", alg, c.signer.Alg, status)
				}
			}
		})
	}
	// Two keys of one kid: neither counts.
	synctest.Test(t, func(t *testing.T) {
		p, f := federated(t)
		signers := make([]*jose.Signer, 2)
		for i := range signers {
			var err error
			if signers[i], err = jose.NewSigner("same", "EdDSA"); err != nil {
				t.Fatal(err)
			}
		}
		one, err := jose.MarshalSet(signers[0])
		if err != nil {
			t.Fatal(err)
		}
		other, err := jose.MarshalSet(signers[1])
		if err != nil {
			t.Fatal(err)
		}
		p.publish(peerA, document(strings.TrimSuffix(string(one), "]}")+","+strings.TrimPrefix(string(other), `{"keys":[`)))
		for _, signer := range signers {
			token, err := signer.Sign("JWT", pythonClaims(peerA, shared))
			if err != nil {
				t.Fatal(err)
			}
			if status := f.status(token); status != 401 {
				t.Errorf("two keys of one kid: %d", status)
			}
		}
	})
}

// The key of a Python deployment is RSA: its tokens are accepted beside own ones of another algorithm.
func TestImportBesideOtherAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(importing, func(c *core.Config) { c.Broker.SigningAlgorithm = "ES256" })
		python := rsaToken(t, sharedKey(), kidOf(sharedKey()), pythonClaims(bubbleIssuer, bubbleIssuer, claims{"exp": time.Now().Add(24 * time.Hour).Unix()}))
		if kid := kidIn(t, f.begun().AccessToken); kid != kidOf(sharedKey()) || f.status(python) != 200 {
			t.Errorf("%s signs at first; the Python token: %d", kid, f.status(python))
		}
		time.Sleep(11 * time.Minute)
		if token := f.begun().AccessToken; algorithmOf(t, token) != "ES256" || f.status(token) != 200 || f.status(python) != 200 {
			t.Errorf("%s signs; the Python token: %d", algorithmOf(t, token), f.status(python))
		}
	})
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := newIDP(t).config()
	brokered(signing("ES256"), func(c *core.Config) {
		c.Broker.ImportKey = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	})(&config)
	if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), "Config.Broker.ImportKey") {
		t.Errorf("an EC key to import: %v", err)
	}
}
