package core_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const brokerIssuer = "http://localhost:8080/api"

// brokered switches broker mode on, over a store in memory, and then changes it.
func brokered(changes ...func(*core.Config)) func(*core.Config) {
	return func(config *core.Config) {
		config.Broker, config.Store = &core.BrokerConfig{}, store.NewMemory()
		for _, change := range changes {
			change(config)
		}
	}
}

// admit asks a guard with a token.
func (f *flowService) admit(token string, requirements ...core.Requirement) (*core.IDToken, error) {
	return f.auth.Required(requirements...).Admit(f.t.Context(), []string{"Bearer " + token})
}

// who asks a guard that has to let a token pass.
func (f *flowService) who(token string) *core.IDToken {
	f.t.Helper()
	caller, err := f.admit(token)
	if err != nil {
		f.t.Fatal(err)
	}
	return caller
}

func (f *flowService) refresh(token string) *core.Response {
	f.t.Helper()
	return f.post("token", url.Values{"refresh-token": {token}})
}

// exchange posts a token exchange with further fields.
func (f *flowService) exchange(subject string, fields url.Values) *core.Response {
	f.t.Helper()
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject}}
	for name, values := range fields {
		form[name] = values
	}
	return f.post("token", form)
}

const sessionGone = "Session expired or not found. Please re-authenticate."

const (
	bubbleIssuer   = "https://app.example/api"
	userInfoPath   = "/realm/userinfo"
	revocationPath = "/realm/revoke"
)

// sharedKey is one RSA key for all tests that do not care which.
var sharedKey = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(2048) })

func mustRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func sharedPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(sharedKey())})
}

// brokerBubble is a provider without a network with services in broker mode over it, on the clock of a test's bubble. A
// refresh token of the provider's is spent once: one that comes again is refused for good.
type brokerBubble struct {
	*memoryIDP
	store *flawedStore

	mu      sync.Mutex
	current string         // refresh token that is good
	revoked []string       // tokens that were revoked
	extra   claims         // put into the next answers
	slow    time.Duration  // the token endpoint takes it
	idToken func() string  // nil: a good one
	user    claims         // put into the tokens
	serial  int            // of refresh tokens
	refresh map[string]int // how often each was sent
}

func newBubble(t testing.TB) *brokerBubble {
	b := &brokerBubble{memoryIDP: newIDP(t), store: &flawedStore{Store: store.NewMemory()}, refresh: map[string]int{}}
	b.metadata = claims{"userinfo_endpoint": "https://idp.example" + userInfoPath, "revocation_endpoint": "https://idp.example" + revocationPath}
	b.breaks(func(context.Context) (*http.Response, error) { return jsonAnswer(404, `{}`), nil }, userInfoPath)
	return b
}

// RoundTrip answers the token and revocation endpoints, and leaves the rest to the provider in memory.
func (b *brokerBubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return b.memoryIDP.RoundTrip(r)
	}
	clone := r.Clone(r.Context())
	if err := clone.ParseForm(); err != nil {
		return nil, err
	}
	b.change(func() { b.hits[r.URL.Path]++ })
	b.memoryIDP.mu.Lock()
	broken := b.faults[r.URL.Path]
	b.memoryIDP.mu.Unlock()
	b.mu.Lock()
	slow := b.slow
	b.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if broken != nil {
		return broken(r.Context())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.URL.Path == revocationPath {
		b.revoked = append(b.revoked, clone.PostForm.Get("token"))
		return jsonAnswer(200, ""), nil
	}
	if sent := clone.PostForm.Get("refresh_token"); clone.PostForm.Get("grant_type") == "refresh_token" {
		if b.refresh[sent]++; sent != b.current {
			return jsonAnswer(400, `{"error":"invalid_grant"}`), nil
		}
	}
	return jsonAnswer(200, toJSON(b.grant())), nil
}

func (b *brokerBubble) grant() claims {
	b.serial++
	b.current = "refresh-token-of-the-provider-" + strings.Repeat("x", b.serial)
	id := ""
	if b.idToken != nil {
		id = b.idToken()
	} else {
		id = b.sign("k1", `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, toJSON(goodClaims(claims{"email": "alice@example.org"}, b.user)))
	}
	answer := claims{"access_token": b.token(b.user), "token_type": "Bearer", "expires_in": 300, "scope": "openid email", "refresh_token": b.current, "id_token": id}
	for name, value := range b.extra {
		if answer[name] = value; value == nil {
			delete(answer, name)
		}
	}
	return answer
}

func (b *brokerBubble) set(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

// wasRevoked reports whether the provider was told of a token.
func (b *brokerBubble) wasRevoked(token string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, revoked := range b.revoked {
		if revoked == token {
			return true
		}
	}
	return false
}

// serve makes one more service over the store of the bubble.
func (b *brokerBubble) serve(changes ...func(*core.Config)) *flowService {
	b.t.Helper()
	first := func(config *core.Config) {
		config.Store, config.Broker.ImportKey = b.store, sharedPEM()
	}
	return flowServe(b.t, b.config(), b, brokered(append([]func(*core.Config){first}, changes...)...))
}

// begin logs in with a verifier of the client's own.
func (f *flowService) begin() *core.Response {
	f.t.Helper()
	return f.post("token", url.Values{"code": {"c"}, "code_verifier": {strings.Repeat("v", 43)}, "redirect_uri": {flowRedirect}})
}

func (f *flowService) begun() core.Token {
	f.t.Helper()
	return flowGranted(f.t, f.begin())
}

// rsaToken signs a token as a Python service or a peer does.
func rsaToken(t testing.TB, key *rsa.PrivateKey, kid string, payload claims) string {
	t.Helper()
	return rsaSigned(t, key, claims{"alg": "RS256", "kid": kid, "typ": "JWT"}, payload)
}

func rsaSigned(t testing.TB, key *rsa.PrivateKey, header, payload claims) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(toJSON(header))) + "." + base64.RawURLEncoding.EncodeToString([]byte(toJSON(payload)))
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// kidOf is the Python library's rule for the name of a key.
func kidOf(key *rsa.PrivateKey) string {
	info, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(info)
	return hex.EncodeToString(sum[:])[:16]
}

// pythonClaims are those of a token of the Python library, with some replaced; a nil one is left out.
func pythonClaims(issuer, audience string, changes ...claims) claims {
	now := time.Now().Unix()
	all := claims{
		"sub": "alice", "preferred_username": "alice", "email": nil, "roles": []string{"user", "admin"}, "jti": "0f0e0d0c-0b0a-4908-8706-050403020100",
		"iss": issuer, "aud": audience, "iat": now, "exp": now + 3600,
	}
	for _, change := range changes {
		for name, value := range change {
			if all[name] = value; value == nil && name != "email" {
				delete(all, name)
			}
		}
	}
	return all
}

// status is what a guard answers to a token.
func (f *flowService) status(token string) int {
	f.t.Helper()
	caller, err := f.admit(token)
	return statusOf(f.t, caller, err)
}
