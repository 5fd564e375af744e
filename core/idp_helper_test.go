package core_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	issuer   = "https://idp.example/realm"
	clientID = "my-client"
	poison   = "TEXT-OF-THE-PROVIDER"

	// Short names of the endpoints in most tests of guards.
	discoveryPath = oidctest.Discovery
	keysPath      = oidctest.JWKS
)

type claims = map[string]any

// memoryIDP is an oidctest provider without a network, on the clock of the test's bubble, with additional keys that the test
// has. At the end of the test it checks that the logs contain none of the tokens that the test signed.
type memoryIDP struct {
	*oidctest.Provider
	t    testing.TB
	logs lockedBuffer

	mu       sync.Mutex
	kids     []string
	keySet   string // replaces the key set
	metadata claims // changes of the discovery document
	secrets  []string
}

type fault = oidctest.Fault

// newIDP makes a provider with the documents that guards need, and without optional endpoints.
func newIDP(t testing.TB) *memoryIDP {
	return newIDPWith(t, oidctest.WithoutDeviceFlow(), oidctest.WithoutUserInfo(), oidctest.WithoutRevocation(), oidctest.WithoutEndSession())
}

func newIDPWith(t testing.TB, options ...oidctest.Option) *memoryIDP {
	t.Helper()
	life := oidctest.Lifetimes{Code: time.Hour, AccessToken: 10 * time.Minute, IDToken: 10 * time.Minute, RefreshToken: 400 * 24 * time.Hour}
	options = append(options, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"), oidctest.WithLifetimes(life), oidctest.WithoutIssParameter())
	idp := &memoryIDP{Provider: oidctest.NewProvider(t, options...), t: t, kids: []string{"k1"}, secrets: []string{poison, "upstream-secret"}}
	idp.AddClient(oidctest.Client{ID: clientID, Secret: "SECRET-OF-THE-CLIENT", RedirectURIs: []string{"https://app.example/api/auth/v2/callback"}})
	idp.Tamper(oidctest.DiscoveryDocuments, func(document claims) {
		idp.change(func() {
			document["x"] = poison
			maps.Copy(document, idp.metadata)
		})
	})
	idp.Tamper(oidctest.JWKSDocuments, func(document claims) { idp.change(func() { idp.publish(document) }) })
	t.Cleanup(func() {
		for _, secret := range idp.secrets {
			if strings.Contains(idp.logs.String(), secret) {
				t.Errorf("%.30q stands in the logs", secret)
			}
		}
	})
	return idp
}

// publish adds the test's keys to a key set. The caller holds mu.
func (idp *memoryIDP) publish(document claims) {
	if idp.keySet != "" {
		clear(document)
		if err := json.Unmarshal([]byte(idp.keySet), &document); err != nil {
			panic(err)
		}
		return
	}
	keys, _ := document["keys"].([]any)
	keys = append(keys, claims{"kty": "oct", "kid": poison, "k": "AAAA"})
	for _, kid := range idp.kids {
		keys = append(keys, publicJWK(kid))
	}
	document["keys"] = keys
}

// config returns the settings that a guard needs.
func (idp *memoryIDP) config() core.Config {
	return core.Config{
		DiscoveryURL: issuer + "/.well-known/openid-configuration",
		ClientID:     clientID,
		ClientSecret: "SECRET-OF-THE-CLIENT",
		PublicURL:    "https://app.example/api",
		SecretKeys:   []string{"SECRET-KEY of these tests, at least 32 bytes"},
		HTTPClient:   idp.Client(),
		Logger:       slog.New(slog.NewTextHandler(&idp.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// auth makes an Auth from config with these changes.
func (idp *memoryIDP) auth(changes ...func(*core.Config)) *core.Auth {
	idp.t.Helper()
	config := idp.config()
	for _, change := range changes {
		change(&config)
	}
	auth, err := core.New(config)
	if err != nil {
		idp.t.Fatal(err)
	}
	idp.t.Cleanup(func() { _ = auth.Close() })
	return auth
}

// RoundTrip answers the calls of a service.
func (idp *memoryIDP) RoundTrip(r *http.Request) (*http.Response, error) {
	return idp.Client().Transport.RoundTrip(r)
}

func (idp *memoryIDP) change(do func()) {
	idp.mu.Lock()
	defer idp.mu.Unlock()
	do()
}

func (idp *memoryIDP) setKids(kids ...string) { idp.change(func() { idp.kids = kids }) }

// breaks makes endpoints fail until Heal.
func (idp *memoryIDP) breaks(f fault, endpoints ...oidctest.Endpoint) {
	for _, endpoint := range endpoints {
		idp.Fault(endpoint, f)
	}
}

func (idp *memoryIDP) count(endpoint oidctest.Endpoint) int { return idp.Hits(endpoint) }

// keyOf returns the private key for a kid, the same in every test.
func keyOf(kid string) ed25519.PrivateKey {
	if key, ok := keysOf.Load(kid); ok {
		return key.(ed25519.PrivateKey) //nolint:forcetypeassert // it has nothing else
	}
	seed := sha256.Sum256([]byte(kid))
	key := ed25519.NewKeyFromSeed(seed[:])
	keysOf.Store(kid, key)
	return key
}

// keysOf has the keys that were made.
var keysOf sync.Map

func publicJWK(kid string) claims {
	public := keyOf(kid).Public().(ed25519.PublicKey)
	return claims{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64.RawURLEncoding.EncodeToString(public)}
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sign makes a token of any header and payload with the key of this kid.
func (idp *memoryIDP) sign(kid, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	token := signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(keyOf(kid), []byte(signed)))
	idp.keepSecret(token)
	return token
}

func (idp *memoryIDP) keepSecret(text string) {
	idp.change(func() {
		if len(idp.secrets) < 200 {
			idp.secrets = append(idp.secrets, text)
		}
	})
}

const goodHeader = `{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`

// goodClaims returns the claims of a token that passes every guard without requirements, with some replaced; nil removes a claim.
func goodClaims(changes ...claims) claims {
	now := time.Now().Unix()
	all := claims{"iss": issuer, "sub": "alice", "aud": clientID, "exp": now + 600, "iat": now}
	for _, change := range changes {
		for name, value := range change {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
	}
	return all
}

// token returns a valid token with some claims replaced.
func (idp *memoryIDP) token(changes ...claims) string {
	return idp.sign("k1", goodHeader, toJSON(goodClaims(changes...)))
}

// tokenOf returns a valid token, signed with the key of this kid.
func (idp *memoryIDP) tokenOf(kid string) string {
	return idp.sign(kid, `{"alg":"EdDSA","kid":"`+kid+`","typ":"at+jwt"}`, toJSON(goodClaims()))
}

func admit(t testing.TB, guard *core.Guard, token string) (*core.IDToken, error) {
	t.Helper()
	return decide(t.Context(), guard, []string{"Bearer " + token})
}

// decide returns a guard's decision on a request with these Authorization headers.
func decide(ctx context.Context, guard *core.Guard, authorization []string) (*core.IDToken, error) {
	decision := guard.Admit(ctx, core.Credentials{Header: http.Header{"Authorization": authorization}})
	if decision.Err != nil {
		return decision.Caller, decision.Err
	}
	return decision.Caller, nil
}

// mustAdmit returns the caller of a token, which the guard must admit.
func mustAdmit(t testing.TB, guard *core.Guard, token string) *core.IDToken {
	t.Helper()
	caller, err := admit(t, guard, token)
	if err != nil || caller == nil {
		t.Fatalf("refused: %v (%v)", err, errors.Unwrap(err))
	}
	return caller
}

// wantStatus checks a guard's status for a token; 200 means that it is admitted.
func wantStatus(t testing.TB, guard *core.Guard, token string, status int) {
	t.Helper()
	caller, err := admit(t, guard, token)
	if got := statusOf(t, caller, err); got != status {
		t.Errorf("got %d, want %d (%v)", got, status, err)
	}
}

func statusOf(t testing.TB, caller *core.IDToken, err error) int {
	t.Helper()
	var refusal *core.Error
	switch {
	case err == nil:
		return http.StatusOK
	case caller != nil:
		t.Errorf("a caller beside the error %v", err)
	case !errors.As(err, &refusal):
		t.Errorf("an error of another type: %v", err)
		return 0
	}
	return refusal.Status
}

// lockedBuffer is a buffer for logs of several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
