package core_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
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
	return decide(f.t.Context(), f.auth.Required(requirements...), []string{"Bearer " + token})
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

// WIRE 4.11 and DESIGN 4: header, claims and answer of a token that was minted after a login.
func TestBrokerMints(t *testing.T) {
	f := newFlow(t, brokered())
	before := time.Now()
	token := f.tokens("alice")
	if token.TokenType != "Bearer" || len(token.RefreshToken) != 64 || token.RefreshToken == token.AccessToken {
		t.Errorf("D-43: %+v", token)
	}
	if left := token.Expires - before.Unix(); left < 3595 || left > 3605 || token.ExpiresIn < 3590 {
		t.Errorf("the token lives for %d s", left)
	}
	if left := token.RefreshExpires - before.Unix(); left < 30*24*3600-5 || left > 30*24*3600+5 {
		t.Errorf("D-23: the session lives for %d s", left)
	}
	header, payload := unpack(t, token.AccessToken)
	if header["alg"] != "RS256" || header["typ"] != "JWT" || len(header["kid"].(string)) != 16 || len(header) != 3 {
		t.Errorf("header %v", header)
	}
	caller := f.who(token.AccessToken)
	for name, want := range map[string]any{
		"sub": "alice", "preferred_username": "alice", "iss": brokerIssuer, "aud": brokerIssuer, "scope": token.Scope, "client_id": oidctest.ConfidentialClient,
		"idp_iss": f.idp.Issuer(), "idp_sub": "alice",
	} {
		if payload[name] != want {
			t.Errorf("%s is %v, not %v", name, payload[name], want)
		}
	}
	if len(payload["jti"].(string)) != 36 || len(payload["sid"].(string)) != 43 || strings.Contains(token.RefreshToken, payload["sid"].(string)[:16]) {
		t.Errorf("jti and sid: %v", payload)
	}
	if iat := int64(payload["iat"].(float64)); iat > time.Now().Unix()-4 {
		t.Errorf("D-34: iat %d is not back from %d", iat, time.Now().Unix())
	}
	if !slices.Contains(caller.Roles(), "admin") || caller.Name() == "" || caller.Email() == "" {
		t.Errorf("got %v %q %q", caller.Roles(), caller.Name(), caller.Email())
	}
}

func unpack(t testing.TB, token string) (header, payload map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &payload} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
}

// The life of a session: each refresh token is spent once, the one before gets the same answer for a moment, an older one
// ends the session.
func TestBrokerRefreshes(t *testing.T) {
	f := newFlow(t, brokered())
	first := f.tokens("alice")
	second := flowGranted(t, f.refresh(first.RefreshToken))
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("nothing is new")
	}
	if again := flowGranted(t, f.refresh(first.RefreshToken)); again.RefreshToken != second.RefreshToken || again.AccessToken != second.AccessToken {
		t.Error("the grace gave another answer")
	}
	_, one := unpack(t, first.AccessToken)
	_, two := unpack(t, second.AccessToken)
	if one["sid"] != two["sid"] || one["jti"] == two["jti"] {
		t.Errorf("sid %v and %v, jti %v and %v", one["sid"], two["sid"], one["jti"], two["jti"])
	}
	third := flowGranted(t, f.refresh(second.RefreshToken))
	flowRefused(t, "an old token", f.refresh(first.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	flowRefused(t, "the family after reuse", f.refresh(third.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	_ = f.auth.Close() // what goes on in the background comes to its end
	if hits := f.idp.Hits(oidctest.Revocation); hits != 1 {
		t.Errorf("the provider's token was revoked %d times", hits)
	}
}

// 50 at once on three instances: one refresh at the provider, one answer.
func TestBrokerRefreshesOnce(t *testing.T) {
	db := store.NewMemory()
	shared := brokered(func(c *core.Config) { c.Store = db })
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	services := []*flowService{flowOver(t, idp, shared), flowOver(t, idp, shared), flowOver(t, idp, shared)}
	services[0].idp = idp
	token := services[0].tokens("alice")
	before := idp.Hits(oidctest.Token)
	var wg sync.WaitGroup
	answers := make([]*core.Response, 50)
	for i := range answers {
		wg.Go(func() { answers[i] = services[i%3].refresh(token.RefreshToken) })
	}
	wg.Wait()
	for _, answer := range answers {
		if got := flowGranted(t, answer); got.RefreshToken != flowGranted(t, answers[0]).RefreshToken {
			t.Error("two successors")
		}
	}
	if hits := idp.Hits(oidctest.Token) - before; hits != 1 {
		t.Errorf("the provider was asked %d times", hits)
	}
}

// D-45: what fails at the provider loses nothing; its final refusal ends the session.
func TestBrokerRefreshFails(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	f.idp.Fault(oidctest.Token, oidctest.Status(503))
	if answer := f.refresh(token.RefreshToken); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	f.idp.Heal(oidctest.Token)
	token = flowGranted(t, f.refresh(token.RefreshToken))
	f.idp.Fault(oidctest.Token, oidctest.ErrorCode(400, "invalid_grant"))
	flowRefused(t, "a refusal for good", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	f.idp.Heal(oidctest.Token)
	flowRefused(t, "after it", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
}

// Logout ends the session and kills its access tokens, here at once.
func TestBrokerLogout(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	f.who(token.AccessToken)
	answer := f.get("logout", nil, "Authorization: Bearer "+token.AccessToken)
	target, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Status != http.StatusFound || target.Query().Get("id_token_hint") == "" {
		t.Errorf("got %d %s", answer.Status, target)
	}
	if _, err := f.admit(token.AccessToken); err == nil {
		t.Error("the access token lives on")
	}
	flowRefused(t, "refresh after logout", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	if form := f.idp.Last(oidctest.Revocation).Form; form.Get("token_type_hint") != "refresh_token" {
		t.Errorf("revoked %v", form)
	}
}

// RFC 8693.
func TestBrokerExchanges(t *testing.T) {
	f := newFlow(t, brokered())
	subject := f.idp.AccessToken("alice")
	answer := f.exchange(subject, nil)
	token := flowGranted(t, answer)
	caller := f.who(token.AccessToken)
	if caller.Subject() != "alice" || token.IssuedTokenType != "urn:ietf:params:oauth:token-type:access_token" || token.RefreshToken != "" || token.RefreshExpires != token.Expires {
		t.Errorf("%s %s", caller, answer.Body)
	}
	if left := token.Expires - time.Now().Unix(); left > 301 {
		t.Errorf("D-53: it outlives its subject: %d s", left)
	}
	flowRefused(t, "an own token", f.exchange(token.AccessToken, nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
}

// The keys are public, and verify what was signed.
func TestBrokerPublishesKeys(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	answer := f.get("jwks", nil)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(answer.Body, &set); err != nil || answer.Status != http.StatusOK || len(set.Keys) != 1 {
		t.Fatalf("got %d %s", answer.Status, answer.Body)
	}
	header, _ := unpack(t, token.AccessToken)
	key := set.Keys[0]
	if key["kty"] != "RSA" || key["kid"] != header["kid"] || key["use"] != "sig" || key["alg"] != "RS256" || key["e"] != "AQAB" || len(key) != 6 {
		t.Errorf("got %v", key)
	}
	if err := f.auth.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(f.get("jwks", nil).Body, &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("after the rotation: %v, %v", set, err)
	}
	if err := f.auth.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
