package core_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A request that names its grant gets the status of RFC 6749 section 5.2 and no challenge: clients that go by it read a
// challenge in place of the error. One without grant_type is the Python client's and gets the reference's 401.
func TestEndedSessionByTheBook(t *testing.T) {
	f := newFlow(t, brokered())
	for name, c := range map[string]struct {
		form   url.Values
		status int
	}{
		"named":             {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, http.StatusBadRequest},
		"hyphens, named":    {url.Values{"grant-type": {"refresh_token"}, "refresh-token": {"x"}}, http.StatusBadRequest},
		"not named":         {url.Values{"refresh_token": {"x"}}, http.StatusUnauthorized},
		"the Python client": {url.Values{"refresh-token": {"x"}}, http.StatusUnauthorized},
	} {
		answer := f.post("token", c.form)
		flowRefused(t, name, answer, c.status, "invalid_grant", sessionGone)
		if challenge := answer.Header.Get("WWW-Authenticate"); (challenge != "") != (c.status == http.StatusUnauthorized) {
			t.Errorf("%s: %d with challenge %q", name, c.status, challenge)
		}
	}
	flowRefused(t, "exchange", f.exchange("x", nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
}

// An answer without a refresh token has no member refresh_token, which clients refuse when it is empty.
func TestNoEmptyRefreshToken(t *testing.T) {
	without := oidctest.WithoutRefreshTokens()
	answers := map[string][]byte{}
	f := newFlow(t, nil, without)
	answers["passthrough"] = f.post("token", f.loopback("alice")).Body
	b := newFlow(t, brokered(), without)
	answers["broker"] = b.post("token", b.loopback("alice")).Body
	answers["exchange"] = b.exchange(b.idp.AccessToken("alice"), nil).Body
	for name, body := range answers {
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatal(err)
		}
		_, there := members["refresh_token"]
		if there || members["access_token"] == nil || members["refresh_expires"] != members["expires"] {
			t.Errorf("%s: %s", name, body)
		}
	}
}
