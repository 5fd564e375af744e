package oidctest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// document fetches the provider's discovery document.
func document(t *testing.T, p *Provider) Claims {
	t.Helper()
	response, err := http.Get(p.DiscoveryURL())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var found Claims
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func words(value any) (list []string) {
	found, _ := value.([]any)
	for _, word := range found {
		text, _ := word.(string)
		list = append(list, text)
	}
	return list
}

// Discovery announces what the provider supports: every client authentication method of each endpoint, no disabled grant, and
// no unsupported kind of request.
func TestAnnounced(t *testing.T) {
	full := document(t, NewProvider(t))
	for name, want := range map[string]string{
		"token_endpoint_auth_methods_supported":         "client_secret_basic client_secret_post private_key_jwt none",
		"revocation_endpoint_auth_methods_supported":    "client_secret_basic client_secret_post private_key_jwt none",
		"introspection_endpoint_auth_methods_supported": "client_secret_basic client_secret_post private_key_jwt",
		"grant_types_supported":                         "authorization_code refresh_token " + deviceGrantType,
	} {
		if got := strings.Join(words(full[name]), " "); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, name := range []string{"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"} {
		if full[name] != false {
			t.Errorf("%s: %v", name, full[name])
		}
	}
	for _, claim := range []string{"iss", "auth_time", "email_verified"} {
		if !slices.Contains(words(full["claims_supported"]), claim) {
			t.Errorf("claims_supported lacks %s", claim)
		}
	}
	bare := document(t, NewProvider(t, WithoutRefreshTokens(), WithoutDeviceFlow(), WithoutRevocation(), WithAuthMethods()))
	if got := words(bare["grant_types_supported"]); !slices.Equal(got, []string{"authorization_code"}) {
		t.Errorf("grants of a provider without refresh tokens and devices: %v", got)
	}
	for name := range bare {
		if strings.HasSuffix(name, "_auth_methods_supported") {
			t.Errorf("nothing is named, and yet there is %s", name)
		}
	}
}

// A request for something that discovery does not announce gets its error at the redirect URI.
func TestNotOffered(t *testing.T) {
	p := NewProvider(t)
	for change, want := range map[string]string{
		"response_mode=fragment": "invalid_request",
		"response_mode=query":    "",
		"request=e30":            "request_not_supported",
		"request_uri=urn:x":      "request_uri_not_supported",
		"registration={}":        "registration_not_supported",
		"prompt=none login":      "invalid_request",
		"prompt=none":            "login_required",
		"response_type=":         "invalid_request",
		"response_type=token":    "unsupported_response_type",
	} {
		name, value, _ := strings.Cut(change, "=")
		query := url.Values{"response_type": {"code"}, "client_id": {ConfidentialClient}, "redirect_uri": {"http://localhost/callback"}}
		query.Set(name, value)
		back, err := p.Approve(p.URL(Authorization)+"?"+query.Encode(), "alice")
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		if got := back.Query(); got.Get("error") != want || got.Has("code") != (want == "") {
			t.Errorf("%s: %s", change, back)
		}
	}
}

// The error names a missing required parameter; an unknown token is a different error.
func TestMissingParameters(t *testing.T) {
	p := NewProvider(t)
	for _, request := range []struct {
		endpoint   Endpoint
		form, want string
	}{
		{Token, "", "invalid_request"},
		{Token, "grant_type=authorization_code", "invalid_request"},
		{Token, "grant_type=refresh_token", "invalid_request"},
		{Token, "grant_type=" + deviceGrantType, "invalid_request"},
		{Token, "grant_type=refresh_token&refresh_token=x", "invalid_grant"},
		{Token, "grant_type=password", "unsupported_grant_type"},
		{Introspection, "", "invalid_request"},
		{Introspection, "token=x", ""},
		{Revocation, "", "invalid_request"},
		{Revocation, "token=x", ""},
	} {
		form, err := url.ParseQuery(request.form)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("client_id", ConfidentialClient)
		form.Set("client_secret", ClientSecret)
		response, err := http.PostForm(p.URL(request.endpoint), form)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Error string }
		_ = json.NewDecoder(response.Body).Decode(&body) // a revocation has no body
		_ = response.Body.Close()
		if want := http.StatusBadRequest; body.Error != request.want || request.want != "" && response.StatusCode != want {
			t.Errorf("%s %q: %d %s", request.endpoint, request.form, response.StatusCode, body.Error)
		}
	}
	response, err := http.Get(p.URL(UserInfo))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := response.Header.Get("WWW-Authenticate"); response.StatusCode != http.StatusUnauthorized || got != "Bearer" {
		t.Errorf("userinfo without a token: %d %q", response.StatusCode, got)
	}
}
