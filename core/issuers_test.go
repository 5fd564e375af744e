package core_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// signRSA signs a JWT with the key ID k. Unlike the signers of the library, one key signs with every algorithm.
func signRSA(t *testing.T, key *rsa.PrivateKey, alg, typ string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(fmt.Appendf(nil, `{"alg":%q,"kid":"k","typ":%q}`, alg, typ)) + "." + encode(payload)
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
	h := hash.New()
	_, _ = h.Write([]byte(signed))
	var options crypto.SignerOpts = hash
	if strings.HasPrefix(alg, "PS") {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := key.Sign(rand.Reader, h.Sum(nil), options)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// namelessKeys makes a provider publish one RSA key without an algorithm, and announce RS256 beside others.
func namelessKeys(idp *oidctest.Provider, key *rsa.PrivateKey) {
	idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) {
		document["id_token_signing_alg_values_supported"] = []string{"RS256", "PS256", "RS512"}
	})
	idp.Tamper(oidctest.JWKSDocuments, func(document oidctest.Claims) {
		document["keys"] = []any{map[string]any{"kty": "RSA", "kid": "k", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes())}}
	})
}

// IDTokenAlgorithm is the algorithm of ID tokens, also for a provider whose RSA key names none and that announces RS256 beside it. Access
// tokens of the same key may have RS256 or this one. Without the setting it is RS256.
func TestIDTokenAlgorithm(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"", "RS256", "PS256", "RS512"} {
		for _, alg := range []string{"RS256", "PS256", "RS512", "PS512"} {
			nonce := ""
			f := flowInMemory(t, &flowMemory{token: func(url.Values) (int, string) {
				access := signRSA(t, key, "RS256", "at+jwt", goodClaimsOf(nil))
				id := signRSA(t, key, alg, "JWT", goodClaimsOf(map[string]any{"nonce": nonce}))
				return 200, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":60,"scope":"openid","id_token":%q}`, access, id)
			}}, func(c *core.Config) { c.IDTokenAlgorithm = setting })
			namelessKeys(f.idp, key)
			target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
			nonce = target.Query().Get("nonce")
			got := f.get("callback", url.Values{"code": {"x"}, "state": {target.Query().Get("state")}}, "Cookie: "+flowCookie(t, answer))
			if want := alg == setting || setting == "" && alg == "RS256"; (got.Status == http.StatusOK) != want {
				t.Errorf("IDTokenAlgorithm %q, an ID token with %s: %d %s", setting, alg, got.Status, got.Body)
			}
			_, err := decide(t.Context(), f.auth.Required(), []string{"Bearer " + signRSA(t, key, alg, "at+jwt", goodClaimsOf(nil))})
			if want := alg == setting || alg == "RS256"; (err == nil) != want {
				t.Errorf("IDTokenAlgorithm %q, an access token with %s: %v", setting, alg, err)
			}
		}
	}
}

// goodClaimsOf are claims of a token for oidctest's client from its issuer in memory.
func goodClaimsOf(more map[string]any) map[string]any {
	return goodClaims(claims{"iss": "https://idp.test", "aud": oidctest.ConfidentialClient}, more)
}

// A key that names its algorithm is not used for the configured one. EdDSA and Ed25519 are the same.
func TestIDTokenAlgorithmOfNamedKeys(t *testing.T) {
	for _, c := range []struct {
		key, setting string
		works        bool
	}{
		{"RS256", "RS256", true}, {"RS256", "PS256", false}, {"PS256", "PS256", true}, {"ES256", "ES256", true}, {"ES256", "ES384", false}, {"ES256", "RS256", false},
		{"EdDSA", "EdDSA", true}, {"EdDSA", "Ed25519", true}, {"EdDSA", "ES256", false},
	} {
		f := newFlow(t, func(c2 *core.Config) { c2.IDTokenAlgorithm = c.setting }, oidctest.WithAlgorithm(c.key))
		query, cookie := f.browser("alice")
		answer := f.get("callback", query, cookie)
		if (answer.Status == http.StatusOK) != c.works {
			t.Errorf("a key for %s, IDTokenAlgorithm %s: %d %s", c.key, c.setting, answer.Status, answer.Body)
		}
		if _, err := decide(t.Context(), f.auth.Required(), []string{f.idp.Bearer("alice")}); err != nil {
			t.Errorf("a key for %s, IDTokenAlgorithm %s: the access token: %v", c.key, c.setting, err)
		}
	}
}

// A logout token has the algorithm of ID tokens.
func TestIDTokenAlgorithmOfLogoutTokens(t *testing.T) {
	for setting, status := range map[string]int{"": 200, "ES256": 200, "RS256": 400} {
		w := newWeb(t, func(c *core.Config) { c.IDTokenAlgorithm = setting })
		form := url.Values{"logout_token": {w.idp.LogoutToken("alice")}}
		if answer := w.browser().do(http.MethodPost, backChannelRoute, "Form: "+form.Encode()); answer.StatusCode != status {
			t.Errorf("%s: %d %s", setting, answer.StatusCode, body(answer))
		}
	}
}

// New refuses an algorithm that is not known, and those without a public key.
func TestIDTokenAlgorithmIsChecked(t *testing.T) {
	for _, alg := range []string{"none", "HS256", "HS512", "rs256", "RS1", "ES256K", "RS256 ", "RS256,PS256", "*"} {
		config := newIDP(t).config()
		config.IDTokenAlgorithm = alg
		if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("core: Config.IDTokenAlgorithm: %q: write one of RS256, ", alg)) {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

// Doctor counts a key that verifies two algorithms once, and finds a wrong setting.
func TestDoctorWithIDTokenAlgorithm(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"PS256": "1 published, 1 usable (RS256, PS256)", "PS512": "does not announce ID tokens signed with PS512", "ES256": "does not announce ID tokens signed with ES256",
	} {
		f := newFlow(t, func(c *core.Config) { c.IDTokenAlgorithm = setting })
		namelessKeys(f.idp, key)
		if got := fmt.Sprint(f.auth.Doctor(t.Context())); !strings.Contains(got, want) {
			t.Errorf("%s: %s", setting, got)
		}
	}
	f := newFlow(t, func(c *core.Config) { c.IDTokenAlgorithm = "RS256" })
	f.idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) {
		document["id_token_signing_alg_values_supported"] = []string{"RS256", "ES256"}
	})
	if got := fmt.Sprint(f.auth.Doctor(t.Context())); !strings.Contains(got, "Config.IDTokenAlgorithm is RS256, and the provider's keys are for ES256") {
		t.Error(got)
	}
}
