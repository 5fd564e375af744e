package oidctest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Client credentials and exchange: who may have them, for which services, and with which scopes.
func TestServiceGrants(t *testing.T) {
	p := NewProvider(t, WithoutNetwork("https://idp.example"), WithAlgorithm("ES256"))
	ask := func(id, secret string, form url.Values) (status int, answer Claims) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL(Token), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(id, secret)
		response, err := p.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer
	}
	own := func(more ...string) url.Values {
		return formOf(append([]string{"grant_type", clientCredentials}, more...)...)
	}
	exchange := func(subject string, more ...string) url.Values {
		return formOf(append([]string{"grant_type", tokenExchange, "subject_token", subject, "subject_token_type", accessTokenType}, more...)...)
	}
	if _, answer := ask(ConfidentialClient, ClientSecret, own()); answer["error"] != "unsupported_grant_type" {
		t.Errorf("without any Targets: %v", answer)
	}
	p.AddClient(Client{ID: "caller", Secret: "s", Targets: []string{"orders", "https://stock.example"}})
	if _, answer := ask(ConfidentialClient, ClientSecret, own()); answer["error"] != "unauthorized_client" {
		t.Errorf("without Targets: %v", answer)
	}
	alice := p.AccessToken("alice", Claims{"aud": []string{"caller"}, "scope": "read write", "exp": nil})
	foreign := p.AccessToken("alice")
	for name, c := range map[string]struct {
		form url.Values
		want string // the error, or aud
	}{
		"own":                    {own(), "caller"},
		"own, audience":          {own("audience", "orders", "scope", "any"), "orders"},
		"own, resource":          {own("resource", "https://stock.example"), "https://stock.example"},
		"own, other":             {own("audience", "elsewhere"), "invalid_target"},
		"exchange":               {exchange(alice, "audience", "orders"), "orders"},
		"exchange, other":        {exchange(alice, "audience", "elsewhere"), "invalid_target"},
		"exchange, narrower":     {exchange(alice, "audience", "orders", "scope", "read"), "orders"},
		"exchange, wider":        {exchange(alice, "audience", "orders", "scope", "read admin"), "invalid_scope"},
		"exchange, unknown":      {exchange("x", "audience", "orders"), "invalid_request"},
		"exchange, none":         {formOf("grant_type", tokenExchange), "invalid_request"},
		"exchange, of others":    {exchange(foreign, "audience", "orders"), "access_denied"},
		"exchange, actor":        {exchange(alice, "audience", "orders", "actor_token", alice), "invalid_request"},
		"exchange, for ID token": {exchange(alice, "requested_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
	} {
		status, answer := ask("caller", "s", c.form)
		if status != http.StatusOK {
			if answer["error"] != c.want {
				t.Errorf("%s: %d %v", name, status, answer)
			}
			continue
		}
		claims := p.inspect(answer["access_token"].(string))
		if claims["aud"] != c.want || claims["client_id"] != "caller" || answer["refresh_token"] != nil || answer["expires_in"] != 300.0 {
			t.Errorf("%s: %v with %v", name, answer, claims)
		}
		act, _ := claims["act"].(Claims)
		if exchanged := strings.HasPrefix(name, "exchange"); exchanged != (act["sub"] == "caller") || exchanged != (claims["sub"] == "alice") || exchanged != (answer["issued_token_type"] == accessTokenType) {
			t.Errorf("%s: %v", name, claims)
		}
	}
}

func formOf(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}
