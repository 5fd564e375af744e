package core_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// redeem posts a code to the token route, with a verifier of the caller's own; the provider answers with reply.
func redeem(t *testing.T, idp *memoryIDP, reply claims) *core.Response {
	t.Helper()
	idp.change(func() { idp.reply = func(url.Values) claims { return reply } })
	routes, err := idp.auth().Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"code": {"c"}, "redirect_uri": {"http://127.0.0.1:5000/callback"}, "code_verifier": {strings.Repeat("v", 43)}}
	for _, route := range routes {
		if route.Name == "token" {
			header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
			return route.Serve(t.Context(), core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(form.Encode())))
		}
	}
	t.Fatal("no token route")
	return nil
}

func leftHalf(token string) string {
	sum := sha512.Sum512([]byte(token)) // what Ed25519 hashes with
	return base64.RawURLEncoding.EncodeToString(sum[:32])
}

// TRUST 0.4: the ID token of a login is checked completely, or nobody is logged in.
func TestIDTokenOfALogin(t *testing.T) {
	now := time.Now().Unix()
	const header = `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`
	for name, c := range map[string]struct {
		header, kid string
		change      claims
		good        bool
	}{
		"good":                          {header, "k1", nil, true},
		"no typ":                        {`{"alg":"EdDSA","kid":"k1"}`, "k1", nil, true},
		"C3 another key":                {header, "evil", nil, false},
		"C3 none":                       {`{"alg":"none"}`, "k1", nil, false},
		"C3 HMAC":                       {`{"alg":"HS256","kid":"k1"}`, "k1", nil, false},
		"C3 unknown key":                {`{"alg":"EdDSA","kid":"evil"}`, "evil", nil, false},
		"J20 an access token":           {goodHeader, "k1", nil, false},
		"J20 a logout token":            {`{"alg":"EdDSA","kid":"k1","typ":"logout+jwt"}`, "k1", nil, false},
		"J21 typ Bearer":                {header, "k1", claims{"typ": "Bearer"}, false},
		"J21 typ Refresh":               {header, "k1", claims{"typ": "Refresh"}, false},
		"J21 typ ID":                    {header, "k1", claims{"typ": "ID"}, true},
		"C4 another issuer":             {header, "k1", claims{"iss": issuer + "/"}, false},
		"C4 another audience":           {header, "k1", claims{"aud": "x"}, false},
		"C4 no audience":                {header, "k1", claims{"aud": nil, "azp": clientID}, false},
		"C4 several audiences":          {header, "k1", claims{"aud": []string{clientID, "x"}}, false},
		"C4 several audiences and azp":  {header, "k1", claims{"aud": []string{clientID, "x"}, "azp": clientID}, true},
		"C4 azp is another":             {header, "k1", claims{"azp": "x"}, false},
		"C4 azp is ours alone":          {header, "k1", claims{"azp": clientID}, true},
		"C4 azp of another type":        {header, "k1", claims{"azp": []string{clientID}}, false},
		"C5 no exp":                     {header, "k1", claims{"exp": nil}, false},
		"C5 expired":                    {header, "k1", claims{"exp": now - 60}, false},
		"C5 no iat":                     {header, "k1", claims{"iat": nil}, false},
		"C5 iat in the future":          {header, "k1", claims{"iat": now + 90}, false},
		"C5 no sub":                     {header, "k1", claims{"sub": nil}, false},
		"C6 at_hash fits":               {header, "k1", claims{"at_hash": leftHalf("opaque")}, true},
		"C6 at_hash of another token":   {header, "k1", claims{"at_hash": leftHalf("another")}, false},
		"C6 at_hash is empty":           {header, "k1", claims{"at_hash": ""}, false},
		"C6 at_hash of another type":    {header, "k1", claims{"at_hash": []string{leftHalf("opaque")}}, false},
		"C6 at_hash of another hash":    {header, "k1", claims{"at_hash": leftHalf("opaque")[:22]}, false},
		"C6 at_hash with padding":       {header, "k1", claims{"at_hash": leftHalf("opaque") + "="}, false},
		"C6 at_hash null is absent":     {header, "k1", claims{"at_hash": json.RawMessage("null")}, true},
		"J13 AT_HASH":                   {header, "k1", claims{"AT_HASH": "x"}, false},
		"J21 a logout token of events":  {header, "k1", claims{"events": claims{"x": claims{}}}, false},
		"J21 a token bound to a device": {header, "k1", claims{"sub": strings.Repeat("s", 300)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idToken := idp.sign(c.kid, c.header, toJSON(goodClaims(c.change)))
			answer := redeem(t, idp, claims{"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": idToken, "scope": "openid"})
			if c.good != (answer.Status == http.StatusOK) || answer.Status >= 500 && answer.Status != http.StatusBadGateway {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
			if !c.good && (strings.Contains(string(answer.Body), "opaque") || strings.Contains(string(answer.Body), idToken)) {
				t.Errorf("TRUST 0.9: the answer holds a token: %s", answer.Body)
			}
		})
	}
}
