package core_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const (
	issuer   = "https://idp.example/realm"
	clientID = "my-client"
	poison   = "TEXT-OF-THE-PROVIDER"

	discoveryPath = "/realm/.well-known/openid-configuration"
	keysPath      = "/realm/keys"
	tokenPath     = "/realm/token"
)

type claims = map[string]any

// memoryIDP is a provider without a network: it works on the clock of a test's bubble. It counts what it is asked, and
// at the end of the test holds the logs against every token that it made.
type memoryIDP struct {
	t    testing.TB
	logs lockedBuffer

	mu       sync.Mutex
	kids     []string
	keySet   string // instead of the keys named kids
	metadata claims // what the discovery document says otherwise
	reply    func(url.Values) claims
	faults   map[string]fault
	hits     map[string]int
	secrets  []string
}

// fault answers instead of an endpoint.
type fault func(context.Context) (*http.Response, error)

func newIDP(t testing.TB) *memoryIDP {
	idp := &memoryIDP{t: t, kids: []string{"k1"}, faults: map[string]fault{}, hits: map[string]int{}, secrets: []string{poison}}
	t.Cleanup(func() {
		for _, secret := range idp.secrets {
			if strings.Contains(idp.logs.String(), secret) {
				t.Errorf("TRUST 0.9: %.30q stands in the logs", secret)
			}
		}
	})
	return idp
}

// config has everything that a guard needs.
func (idp *memoryIDP) config() core.Config {
	return core.Config{
		DiscoveryURL: issuer + "/.well-known/openid-configuration",
		ClientID:     clientID,
		ClientSecret: "SECRET-OF-THE-CLIENT",
		PublicURL:    "https://app.example/api",
		SecretKeys:   []string{"SECRET-KEY of these tests, at least 32 bytes"},
		HTTPClient:   &http.Client{Transport: idp},
		Logger:       slog.New(slog.NewTextHandler(&idp.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// auth makes an Auth of config, changed by each of changes.
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

func (idp *memoryIDP) change(do func()) {
	idp.mu.Lock()
	defer idp.mu.Unlock()
	do()
}

func (idp *memoryIDP) setKids(kids ...string) { idp.change(func() { idp.kids = kids }) }

// breaks makes paths answer with f; nil heals them.
func (idp *memoryIDP) breaks(f fault, paths ...string) {
	idp.change(func() {
		for _, path := range paths {
			if idp.faults[path] = f; f == nil {
				delete(idp.faults, path)
			}
		}
	})
}

func (idp *memoryIDP) count(path string) int {
	idp.mu.Lock()
	defer idp.mu.Unlock()
	return idp.hits[path]
}

func (idp *memoryIDP) RoundTrip(r *http.Request) (*http.Response, error) {
	var form url.Values
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err = url.ParseQuery(string(text)); err != nil {
			return nil, err
		}
	}
	idp.mu.Lock()
	idp.hits[r.URL.Path]++
	broken := idp.faults[r.URL.Path]
	answer := idp.answer(r.URL, form)
	idp.mu.Unlock()
	if broken != nil {
		return broken(r.Context())
	}
	if answer == "" {
		return nil, errors.New("no such address: " + poison)
	}
	return jsonAnswer(http.StatusOK, answer), nil
}

func (idp *memoryIDP) answer(address *url.URL, form url.Values) string {
	if address.Scheme+"://"+address.Host != "https://idp.example" {
		return ""
	}
	switch address.Path {
	case discoveryPath:
		document := claims{
			"issuer": issuer, "jwks_uri": "https://idp.example" + keysPath, "token_endpoint": "https://idp.example" + tokenPath,
			"authorization_endpoint": issuer + "/auth", "id_token_signing_alg_values_supported": []string{"EdDSA"}, "x": poison,
		}
		maps.Copy(document, idp.metadata)
		return toJSON(document)
	case keysPath:
		if idp.keySet != "" {
			return idp.keySet
		}
		keys := []any{claims{"kty": "oct", "kid": poison, "k": "AAAA"}}
		for _, kid := range idp.kids {
			keys = append(keys, publicJWK(kid))
		}
		return toJSON(claims{"keys": keys})
	case tokenPath:
		if idp.reply != nil {
			return toJSON(idp.reply(form))
		}
	}
	return ""
}

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// keyOf is the private key under a kid, the same one in every test.
func keyOf(kid string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(kid))
	return ed25519.NewKeyFromSeed(seed[:])
}

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

// sign makes a token of any header and payload, by the key named kid.
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

// goodClaims are those of a token that passes every guard without requirements, with some replaced; a nil one is left out.
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

// token is a good one with some claims replaced.
func (idp *memoryIDP) token(changes ...claims) string {
	return idp.sign("k1", goodHeader, toJSON(goodClaims(changes...)))
}

// tokenOf is a good one by another key.
func (idp *memoryIDP) tokenOf(kid string) string {
	return idp.sign(kid, `{"alg":"EdDSA","kid":"`+kid+`"}`, toJSON(goodClaims()))
}

func admit(t testing.TB, guard *core.Guard, token string) (*core.IDToken, error) {
	t.Helper()
	return guard.Admit(t.Context(), []string{"Bearer " + token})
}

// mustAdmit returns the caller of a token that has to pass.
func mustAdmit(t testing.TB, guard *core.Guard, token string) *core.IDToken {
	t.Helper()
	caller, err := admit(t, guard, token)
	if err != nil || caller == nil {
		t.Fatalf("refused: %v (%v)", err, errors.Unwrap(err))
	}
	return caller
}

// wantStatus checks that a guard refuses a token with a status, 200 meaning that it does not.
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

// lockedBuffer takes logs from several goroutines.
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
