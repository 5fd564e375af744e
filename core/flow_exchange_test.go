package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

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
		t.Errorf("it outlives its subject: %d s", left)
	}
	flowRefused(t, "an own token", f.exchange(token.AccessToken, nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
}

// Types and targets of RFC 8693.
func TestBrokerExchangeFields(t *testing.T) {
	f := newFlow(t, brokered())
	subject := f.idp.AccessToken("alice")
	const access = "urn:ietf:params:oauth:token-type:access_token"
	for name, c := range map[string]struct {
		fields url.Values
		code   string
	}{
		"all said":           {url.Values{"subject_token_type": {access}, "requested_token_type": {access}, "audience": {brokerIssuer}, "resource": {brokerIssuer}}, ""},
		"ID token":           {url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}, "invalid_request"},
		"refresh token":      {url.Values{"requested_token_type": {"urn:ietf:params:oauth:token-type:refresh_token"}}, "invalid_request"},
		"jwt":                {url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}}, "invalid_request"},
		"actor":              {url.Values{"actor_token": {subject}, "actor_token_type": {access}}, "invalid_request"},
		"actor type alone":   {url.Values{"actor_token_type": {access}}, "invalid_request"},
		"another audience":   {url.Values{"audience": {"https://other.example"}}, "invalid_target"},
		"audience, slash":    {url.Values{"audience": {brokerIssuer + "/"}}, "invalid_target"},
		"another resource":   {url.Values{"resource": {"https://other.example"}}, "invalid_target"},
		"client as audience": {url.Values{"audience": {oidctest.ConfidentialClient}}, "invalid_target"},
	} {
		answer := f.exchange(subject, c.fields)
		if c.code == "" {
			flowGranted(t, answer)
		} else if answer.Status != 400 || !strings.Contains(string(answer.Body), `"error":"`+c.code+`"`) {
			t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
		}
	}
}

// The lifetime is that of the subject token, and at most TokenTTL.
func TestBrokerExchangeLife(t *testing.T) {
	f := newFlow(t, brokered(func(c *core.Config) { c.Broker.TokenTTL = 10 * time.Minute }))
	for _, c := range []struct{ life, most int64 }{{60, 60}, {599, 599}, {3600, 600}, {1 << 40, 600}} {
		subject := f.idp.AccessToken("alice", oidctest.Claims{"exp": time.Now().Unix() + c.life})
		token := flowGranted(t, f.exchange(subject, nil))
		_, payload := unpack(t, token.AccessToken)
		left := token.Expires - time.Now().Unix()
		if left > c.most || left < c.most-5 || int64(payload["exp"].(float64)) != token.Expires || token.RefreshExpires != token.Expires || token.RefreshToken != "" {
			t.Errorf("%d s: %d left, %+v", c.life, left, payload)
		}
	}
}

const whoIsIt = "The provider does not say who this user is."

// Config.Require applies at login, refresh and exchange: 403, and no token stays valid at the provider.
func TestBrokerRequireAtMint(t *testing.T) {
	f := newFlow(t, brokered(func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} }))
	for what, answer := range map[string]*core.Response{"login": f.post("token", f.loopback("bob")), "exchange": f.exchange(f.idp.AccessToken("bob"), nil)} {
		if answer.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
		}
	}
	if f.idp.Hits(oidctest.Revocation) != 1 || f.idp.Last(oidctest.Revocation).Form.Get("token_type_hint") != "refresh_token" {
		t.Error("the provider's refresh token lives on")
	}
	alice := f.tokens("alice")
	f.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice"}}) // no admin any more
	if answer := f.refresh(alice.RefreshToken); answer.Status != http.StatusForbidden {
		t.Errorf("refresh: %d %s", answer.Status, answer.Body)
	}
	f.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice", "roles": []string{"admin"}}})
	f.who(flowGranted(t, f.refresh(alice.RefreshToken)).AccessToken)

	scoped := newFlow(t, brokered(func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("staff")} }))
	if answer := scoped.exchange(scoped.idp.AccessToken("alice"), nil); answer.Status != http.StatusForbidden {
		t.Errorf("without the scope: %d %s", answer.Status, answer.Body)
	}
	staff := scoped.idp.AccessToken("alice", oidctest.Claims{"scope": "openid staff"})
	if answer := scoped.exchange(staff, url.Values{"scope": {"openid"}}); answer.Status != http.StatusForbidden {
		t.Errorf("narrowed: %d %s", answer.Status, answer.Body)
	}
	scoped.who(flowGranted(t, scoped.exchange(staff, nil)).AccessToken)
}

// An exchange during an outage of the provider: 503 without cached keys, and success with them.
func TestBrokerExchangeOutage(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	f := flowOver(t, idp, brokered())
	if answer := f.exchange(idp.AccessToken("alice"), nil); answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	idp.Heal()
	g := flowOver(t, idp, brokered())
	flowGranted(t, g.exchange(idp.AccessToken("alice"), nil))
	for _, endpoint := range []oidctest.Endpoint{oidctest.JWKS, oidctest.Discovery, oidctest.UserInfo, oidctest.Token} {
		idp.Fault(endpoint, oidctest.Refused())
	}
	flowGranted(t, g.exchange(idp.AccessToken("alice"), nil))
}

// An exchange names nobody but whom the subject token names: its actor stays, and it gets no role or group from userinfo.
func TestBrokerExchangeAddsNothing(t *testing.T) {
	f := newFlow(t, brokered())
	f.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) {
		c["roles"], c["groups"], c["given_name"] = []string{"root"}, []string{"root"}, "Alice of userinfo"
	})
	actor := oidctest.Claims{"sub": "robot", "act": oidctest.Claims{"sub": "cron"}}
	subject := f.idp.AccessToken("alice", oidctest.Claims{"act": actor, "realm_access": nil, "roles": []string{"reader"}, "groups": []string{"staff"}, "given_name": nil})
	_, payload := unpack(t, flowGranted(t, f.exchange(subject, nil)).AccessToken)
	for claim, want := range map[string]any{"act": actor, "roles": []string{"staff", "reader"}, "groups": []string{"staff"}, "given_name": "Alice of userinfo"} {
		if toJSON(payload[claim]) != toJSON(want) {
			t.Errorf("%s is %v, not %v", claim, payload[claim], want)
		}
	}
	_, payload = unpack(t, flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil)).AccessToken)
	if _, ok := payload["act"]; ok {
		t.Errorf("an actor appears: %v", payload)
	}
	flowRefused(t, "an actor that is a text", f.exchange(f.idp.AccessToken("alice", oidctest.Claims{"act": "robot"}), nil), 400, "invalid_grant", "Invalid token")
}
