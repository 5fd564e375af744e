package core_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// withKey makes a configuration authenticate with the key of oidctest.
func withKey(c *core.Config) {
	c.ClientID, c.ClientSecret = oidctest.KeyClient, ""
	c.ClientKey = &core.ClientKey{PEM: oidctest.ClientKey()}
}

// clientKeyPairs has one key of each type, made once: RSA keys are slow to generate.
var clientKeyPairs = sync.OnceValue(func() map[string]crypto.Signer {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{"RSA": rsaKey, "P-256": curve, "Ed25519": edwards}
})

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// kms is a key outside the process: only its methods are known.
type kms struct {
	crypto.Signer
	sign func(digest []byte, options crypto.SignerOpts) ([]byte, error) // nil: as the key does
}

func (k kms) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if k.sign != nil {
		return k.sign(digest, options)
	}
	return k.Signer.Sign(random, digest, options)
}

// registerKeys registers the keys that a service publishes.
func registerKeys(t testing.TB, f *flowService) {
	t.Helper()
	answer := f.get("client-keys", nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("client-keys: %d %s", answer.Status, answer.Body)
	}
	f.idp.AddClient(oidctest.Client{ID: oidctest.KeyClient, Keys: answer.Body})
}

// A client with a key of each type and algorithm logs in, whether the key is in PEM or elsewhere, with the keys of its own route.
func TestClientKeys(t *testing.T) {
	for _, c := range []struct{ key, algorithm, want string }{
		{"RSA", "", "RS256"}, {"RSA", "RS256", "RS256"}, {"RSA", "PS256", "PS256"}, {"P-256", "", "ES256"}, {"P-256", "ES256", "ES256"}, {"Ed25519", "", "EdDSA"},
	} {
		pair := clientKeyPairs()[c.key]
		for name, key := range map[string]*core.ClientKey{"PEM": {PEM: pkcs8(t, pair)}, "Signer": {Signer: kms{Signer: pair}}} {
			key.Algorithm = c.algorithm
			f := newFlow(t, func(config *core.Config) { withKey(config); config.ClientKey = key })
			registerKeys(t, f)
			f.tokens("alice")
			form := f.idp.Last(oidctest.Token).Form
			header, _ := assertionParts(t, form.Get("client_assertion"))
			if header["alg"] != c.want || header["typ"] != "JWT" || len(header["kid"].(string)) != 43 {
				t.Errorf("%s, %s %s: header %v", name, c.key, c.algorithm, header)
			}
		}
	}
}

// assertionParts returns header and claims of an assertion.
func assertionParts(t testing.TB, compact string) (header, body map[string]any) {
	t.Helper()
	encoded := strings.Split(compact, ".")
	if len(encoded) != 3 {
		t.Fatalf("no assertion: %q", compact)
	}
	for i, into := range []*map[string]any{&header, &body} {
		text, err := base64.RawURLEncoding.DecodeString(encoded[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, body
}

// wantLogged checks that the log of a service has these texts.
func wantLogged(t testing.TB, f *flowService, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if log := f.traffic.logs.String(); !strings.Contains(log, text) {
			t.Errorf("the log lacks %q: %s", text, log)
		}
	}
}

// Each endpoint gets an assertion of its own, and neither a secret nor a header, with the claims of RFC 7523.
func TestAssertionsAtEveryEndpoint(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { withKey(c); brokered()(c) }, oidctest.WithPushedRequests())
	token := f.tokens("alice")
	token = flowGranted(t, f.post("token", url.Values{"refresh_token": {token.RefreshToken}}))
	if answer := f.post("device", nil); answer.Status != http.StatusOK {
		t.Fatalf("device: %d %s", answer.Status, answer.Body)
	}
	if answer := f.post("revoke", url.Values{"token": {token.RefreshToken}}); answer.Status != http.StatusOK {
		t.Fatalf("revoke: %d %s", answer.Status, answer.Body)
	}
	seen := map[any]bool{}
	for endpoint, requests := range map[oidctest.Endpoint]int{oidctest.PushedRequests: 1, oidctest.Token: 2, oidctest.Device: 1, oidctest.Revocation: 1} {
		all := f.idp.Asked(endpoint)
		if len(all) != requests {
			t.Errorf("%s: %d requests", endpoint, len(all))
		}
		for _, request := range all {
			if request.Header.Get("Authorization") != "" || request.Form.Has("client_secret") || request.Form.Get("client_id") != oidctest.KeyClient ||
				request.Form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("%s: %v %v", endpoint, request.Header, request.Form)
			}
			_, body := assertionParts(t, request.Form.Get("client_assertion"))
			begin, end := body["iat"].(float64), body["exp"].(float64)
			if body["iss"] != oidctest.KeyClient || body["sub"] != oidctest.KeyClient || body["aud"] != f.idp.Issuer() || end-begin != 60 || len(body) != 6 {
				t.Errorf("%s: claims %v", endpoint, body)
			}
			if ahead := end - float64(time.Now().Unix()); ahead < 30 || ahead > 60 || seen[body["jti"]] {
				t.Errorf("%s: %v, again %v", endpoint, body, seen[body["jti"]])
			}
			seen[body["jti"]] = true
		}
	}
}

// A provider that insists on another audience gets the configured one, never one of its document.
func TestAssertionAudience(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { withKey(c); c.ClientKey.Audience = "https://token.example.org/token" })
	flowRefused(t, "another audience", f.post("token", f.loopback("alice")), 502, "server_error", "The OIDC provider refused this service's request.")
	if _, body := assertionParts(t, f.idp.Last(oidctest.Token).Form.Get("client_assertion")); body["aud"] != "https://token.example.org/token" {
		t.Errorf("aud %v", body["aud"])
	}
	wantLogged(t, f, "Config.ClientID, Config.ClientKey, and the keys registered for it at the provider", "code=invalid_client")
}

// The method is a setting for providers that announce one and insist on another.
func TestTokenEndpointAuthMethod(t *testing.T) {
	for _, c := range []struct {
		method    string
		announced []string
		post      bool
	}{
		{"", nil, false}, {"", []string{"client_secret_post"}, true}, {"client_secret_post", []string{"client_secret_basic", "client_secret_post"}, true},
		{"client_secret_basic", []string{"client_secret_basic"}, false},
	} {
		f := newFlow(t, func(config *core.Config) { config.TokenEndpointAuthMethod = c.method }, oidctest.WithAuthMethods(c.announced...))
		f.tokens("alice")
		sent := f.idp.Last(oidctest.Token)
		if basic := sent.Header.Get("Authorization") != ""; basic == c.post || sent.Form.Has("client_secret") != c.post {
			t.Errorf("%q with %v: header %v, form %v", c.method, c.announced, basic, sent.Form)
		}
	}
	f := newFlow(t, func(c *core.Config) { withKey(c); c.TokenEndpointAuthMethod = "private_key_jwt" })
	f.tokens("alice")
}

// An algorithm that the provider does not announce is refused before anything is sent, with a line that names the field.
func TestAlgorithmNotAnnounced(t *testing.T) {
	f := newFlow(t, withKey)
	f.idp.Tamper(oidctest.DiscoveryDocuments, func(d oidctest.Claims) {
		d["token_endpoint_auth_signing_alg_values_supported"] = []string{"RS256", "PS256"}
	})
	form := f.loopback("alice")
	flowRefused(t, "ES256", f.post("token", form), 502, "server_error", "The OIDC provider refused this service's request.")
	if f.hits() != 0 {
		t.Errorf("the token endpoint was asked %d times", f.hits())
	}
	wantLogged(t, f, "algorithm=ES256", `offered="RS256 PS256"`, "check=Config.ClientKey")
}

// A key elsewhere that fails is a 503, one that panics a 500; the provider is not asked, and the log says why.
func TestFailingSigner(t *testing.T) {
	pair := clientKeyPairs()["P-256"]
	for name, c := range map[string]struct {
		sign   func([]byte, crypto.SignerOpts) ([]byte, error)
		status int
		log    string
	}{
		"an error":             {func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("quota of the KMS") }, 503, "quota of the KMS"},
		"nothing":              {func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }, 503, "check=Config.ClientKey"},
		"another key":          {func(d []byte, o crypto.SignerOpts) ([]byte, error) { return newCurveKey(t).Sign(rand.Reader, d, o) }, 503, "the signature is not one of the public key"},
		"a panic":              {func([]byte, crypto.SignerOpts) ([]byte, error) { panic("a secret of the KMS") }, 500, "function=Config.ClientKey.Signer"},
		"an endless signature": {func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 1<<20), nil }, 503, "check=Config.ClientKey"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, func(config *core.Config) {
				withKey(config)
				config.ClientKey = &core.ClientKey{Signer: kms{pair, c.sign}}
			})
			answer := f.post("token", f.loopback("alice"))
			if answer.Status != c.status || f.hits() != 0 || strings.Contains(string(answer.Body), "KMS") {
				t.Errorf("%d %s after %d requests", answer.Status, answer.Body, f.hits())
			}
			if c.status == 503 && (answer.Header.Get("Retry-After") == "" || !strings.Contains(string(answer.Body), "cannot sign")) {
				t.Errorf("%v %s", answer.Header, answer.Body)
			}
			wantLogged(t, f, c.log)
			if log := f.traffic.logs.String(); strings.Contains(log, "a secret of the KMS") {
				t.Error("the log has the text of the panic")
			}
		})
	}
}

func newCurveKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A key that waits does not keep a request beyond Timeout.
func TestSignerThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
			withKey(c)
			c.Timeout = 5 * time.Second
			c.ClientKey = &core.ClientKey{Signer: kms{clientKeyPairs()["P-256"], func([]byte, crypto.SignerOpts) ([]byte, error) {
				<-release
				return nil, errors.New("late")
			}}}
		})
		begin := time.Now()
		answer := f.post("token", f.loopback("alice"))
		if waited := time.Since(begin); answer.Status != 503 || waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("%d after %s: %s", answer.Status, waited, answer.Body)
		}
		close(release)
		synctest.Wait()
	})
}

// The route publishes public keys alone: the signing one first, then the other one of a rotation, which logs in after the swap.
func TestRotationOfClientKeys(t *testing.T) {
	old, next := pkcs8(t, newCurveKey(t)), pkcs8(t, clientKeyPairs()["RSA"])
	before := newFlow(t, func(c *core.Config) {
		withKey(c)
		c.ClientKey = &core.ClientKey{PEM: old, Other: &core.ClientKey{PEM: next, Algorithm: "PS256", KeyID: "next"}}
	})
	registerKeys(t, before)
	before.tokens("alice")
	published := before.get("client-keys", nil)
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(published.Body, &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s, %v", published.Body, err)
	}
	for i, want := range []string{"EC ES256", "RSA PS256"} {
		key := set.Keys[i]
		if key["kty"].(string)+" "+key["alg"].(string) != want || key["use"] != "sig" || key["d"] != nil || key["p"] != nil || key["kid"] == "" {
			t.Errorf("key %d: %v", i, key)
		}
	}
	if set.Keys[1]["kid"] != "next" || published.Header.Get("Content-Type") != "application/json" || published.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%v %v", set.Keys[1], published.Header)
	}
	after := flowOver(t, before.idp, func(c *core.Config) {
		withKey(c)
		c.ClientKey = &core.ClientKey{PEM: next, Algorithm: "PS256", KeyID: "next", Other: &core.ClientKey{PEM: old}}
	})
	after.tokens("alice")
}

// The route is there with a key alone, under the path of the application, or not at all.
func TestClientKeysRoute(t *testing.T) {
	of := func(config core.Config, paths core.Paths) (found []string) {
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = auth.Close() }()
		routes, err := auth.Routes(paths)
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range routes {
			if route.Name == "client-keys" {
				found = append(found, route.Method+" "+route.Path)
			}
		}
		return found
	}
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	keyed := idp.Config()
	withKey(&keyed)
	for name, c := range map[string]struct {
		config core.Config
		paths  core.Paths
		want   []string
	}{
		"with a key":    {keyed, core.Paths{}, []string{"GET /auth/v2/client-keys.json"}},
		"renamed":       {keyed, core.Paths{Prefix: "/api", ClientKeys: "/keys.json"}, []string{"GET /api/keys.json"}},
		"off":           {keyed, core.Paths{ClientKeys: core.Off}, nil},
		"with a secret": {idp.Config(), core.Paths{}, nil},
	} {
		if got := of(c.config, c.paths); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Every bad setting is named in the error of New, which shows no part of a key.
func TestBadClientKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve := clientKeyPairs()["P-256"]
	good := pkcs8(t, curve)
	sec1, err := x509.MarshalECPrivateKey(curve.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(curve.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, c := range map[string]struct {
		change func(*core.Config)
		want   string // "": accepted
	}{
		"SEC 1 after its parameters": {func(c *core.Config) {
			c.ClientKey = &core.ClientKey{PEM: append(block("EC PARAMETERS", []byte{6, 8, 42}), block("EC PRIVATE KEY", sec1)...)}
		}, ""},
		"a secret too":       {func(c *core.Config) { c.ClientSecret = "s3cr3t" }, "Config.ClientSecret: it is set beside ClientKey"},
		"no key":             {func(c *core.Config) { c.ClientKey = &core.ClientKey{} }, "Config.ClientKey: without a key"},
		"two keys":           {func(c *core.Config) { c.ClientKey.Signer = curve }, "Config.ClientKey: both PEM and Signer"},
		"no PEM":             {func(c *core.Config) { c.ClientKey.PEM = []byte("/etc/key.pem") }, "Config.ClientKey.PEM: not a usable key"},
		"a cut PEM":          {func(c *core.Config) { c.ClientKey.PEM = good[:len(good)/2] }, "Config.ClientKey.PEM: not a usable key"},
		"a public key":       {func(c *core.Config) { c.ClientKey.PEM = block("PUBLIC KEY", public) }, "Config.ClientKey.PEM: not a usable key"},
		"an encrypted key":   {func(c *core.Config) { c.ClientKey.PEM = block("ENCRYPTED PRIVATE KEY", sec1) }, "Config.ClientKey.PEM: not a usable key"},
		"another type in it": {func(c *core.Config) { c.ClientKey.PEM = block("RSA PRIVATE KEY", sec1) }, "Config.ClientKey.PEM: not a usable key"},
		"a weak key":         {func(c *core.Config) { c.ClientKey = &core.ClientKey{Signer: small} }, "Config.ClientKey: not a usable key"},
		"P-384":              {func(c *core.Config) { c.ClientKey = &core.ClientKey{PEM: pkcs8(t, large)} }, "Config.ClientKey: not a usable key"},
		"a nil Signer":       {func(c *core.Config) { c.ClientKey = &core.ClientKey{Signer: (*rsa.PrivateKey)(nil)} }, "Config.ClientKey: not a usable key"},
		"no public key":      {func(c *core.Config) { c.ClientKey = &core.ClientKey{Signer: mute{}} }, "Config.ClientKey: not a usable key"},
		"HS256":              {func(c *core.Config) { c.ClientKey.Algorithm = "HS256" }, "Config.ClientKey.Algorithm: \"HS256\""},
		"none":               {func(c *core.Config) { c.ClientKey.Algorithm = "none" }, "Config.ClientKey.Algorithm: \"none\""},
		"RS256 with P-256":   {func(c *core.Config) { c.ClientKey.Algorithm = "RS256" }, "Config.ClientKey.Algorithm: \"RS256\" does not fit"},
		"a line in the kid":  {func(c *core.Config) { c.ClientKey.KeyID = "a\nb" }, "Config.ClientKey.KeyID"},
		"a line in aud":      {func(c *core.Config) { c.ClientKey.Audience = "a\nb" }, "Config.ClientKey.Audience"},
		"a long kid":         {func(c *core.Config) { c.ClientKey.KeyID = strings.Repeat("k", 257) }, "Config.ClientKey.KeyID"},
		"the same key twice": {func(c *core.Config) { c.ClientKey.Other = &core.ClientKey{PEM: good} }, "Config.ClientKey.Other: it has the KeyID"},
		"a bad other":        {func(c *core.Config) { c.ClientKey.Other = &core.ClientKey{} }, "Config.ClientKey.Other: without a key"},
		"three keys": {func(c *core.Config) {
			c.ClientKey.Other = &core.ClientKey{Signer: newCurveKey(t), Other: &core.ClientKey{PEM: good}}
		}, "Config.ClientKey.Other: it only publishes"},
		"post without secret": {func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_post" }, "Config.TokenEndpointAuthMethod: \"client_secret_post\" needs a secret"},
		"another method":      {func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_jwt" }, "Config.TokenEndpointAuthMethod: \"client_secret_jwt\""},
		"key without a key":   {func(c *core.Config) { c.ClientKey, c.TokenEndpointAuthMethod = nil, "private_key_jwt" }, "Config.TokenEndpointAuthMethod: \"private_key_jwt\" needs a key"},
		"pushed now and then": {func(c *core.Config) { c.PushedRequests = "sometimes" }, "Config.PushedRequests: \"sometimes\""},
	} {
		config := newIDP(t).config()
		config.ClientSecret, config.ClientKey = "", &core.ClientKey{PEM: good}
		c.change(&config)
		auth, err := core.New(config)
		if err == nil {
			_ = auth.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "MI") { // every key in base64
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

// mute has no public key.
type mute struct{}

func (mute) Public() crypto.PublicKey { return nil }

func (mute) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("mute")
}

// A ClientKey does not print its key; the configuration shows the rest.
func TestClientKeyIsHidden(t *testing.T) {
	key := core.ClientKey{PEM: []byte("PRIVATE-PEM"), Algorithm: "ES256", KeyID: "k-1", Other: &core.ClientKey{PEM: []byte("PRIVATE-PEM")}}
	config := core.Config{ClientKey: &key}
	wantHidden(t, printed(key, &key, config, &config, struct{ Key *core.ClientKey }{&key}), "PRIVATE-PEM", "UFJJVkFURS1QRU")
	if text, err := json.Marshal(config); err != nil || !strings.Contains(string(text), `"KeyID":"k-1"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// Changing the key after New changes nothing: New reads it.
func TestClientKeyIsCopied(t *testing.T) {
	key := &core.ClientKey{PEM: oidctest.ClientKey()}
	f := newFlow(t, func(c *core.Config) { withKey(c); c.ClientKey = key })
	clear(key.PEM)
	key.Algorithm, key.Other = "RS256", &core.ClientKey{}
	f.tokens("alice")
	_ = f.auth.Doctor(context.Background())
}
