package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const public = "http://localhost:8080"

func newService(t *testing.T) (http.Handler, *oidctest.Provider) {
	t.Helper()
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.PublicURL, cfg.RedirectURIs = public, []string{public + "/docs/callback"}
	handler, err := newHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return handler, idp
}

func get(t *testing.T, handler http.Handler, path, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

// The page and all that it loads come from this origin, and the policy lets them run.
func TestPage(t *testing.T) {
	handler, _ := newService(t)
	page := get(t, handler, "/docs/", "")
	policy := page.Header().Get("Content-Security-Policy")
	if page.Code != http.StatusOK || !strings.Contains(policy, "script-src 'self';") || strings.Contains(page.Body.String(), "://") {
		t.Errorf("%d %q\n%s", page.Code, policy, page.Body)
	}
	loads := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(loads) != 4 || strings.Contains(page.Body.String(), "<script>") {
		t.Errorf("the page loads %q", loads)
	}
	for _, load := range loads {
		if answer := get(t, handler, "/docs/"+load[1], ""); answer.Code != http.StatusOK || answer.Body.Len() == 0 {
			t.Errorf("%s: %d", load[1], answer.Code)
		}
	}
}

// The page of the redirect has a script inside, which its policy allows by its hash.
func TestCallbackPage(t *testing.T) {
	handler, _ := newService(t)
	page := get(t, handler, "/docs/callback?code=c&state=s", "")
	_, rest, _ := strings.Cut(page.Body.String(), "<script>")
	script, _, found := strings.Cut(rest, "</script>")
	hash := sha256.Sum256([]byte(script))
	allowed := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "';"
	if !found || !strings.Contains(page.Header().Get("Content-Security-Policy"), allowed) || !strings.Contains(script, "window.opener") {
		t.Errorf("%d %q, want %s", page.Code, page.Header().Get("Content-Security-Policy"), allowed)
	}
}

// What Swagger UI does after a click on Authorize: a login with PKCE in a window of its own, and the exchange of the code.
func TestAuthorize(t *testing.T) {
	handler, idp := newService(t)
	var document struct {
		Components struct {
			SecuritySchemes struct {
				Login struct {
					Flows struct {
						AuthorizationCode struct{ AuthorizationURL, TokenURL string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(get(t, handler, "/docs/openapi.json", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	flow := document.Components.SecuritySchemes.Login.Flows.AuthorizationCode
	verifier := strings.Repeat("v", 43)
	hash := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {"docs"}, "redirect_uri": {public + "/docs/callback"}, "scope": {"openid profile"},
		"state": {"U2F0IE5vdiAyOA=="}, "code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])}, "code_challenge_method": {"S256"},
	}
	login := get(t, handler, flow.AuthorizationURL+"?"+query.Encode(), "")
	back, err := idp.Approve(login.Header().Get("Location"), "bob")
	if err != nil || back.Path != "/docs/callback" || back.Query().Get("state") != "U2F0IE5vdiAyOA==" {
		t.Fatalf("login: %d %s, back at %v, %v", login.Code, login.Body, back, err)
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {"docs"},
		"redirect_uri": {public + "/docs/callback"}, "code_verifier": {verifier},
	}
	exchange := httptest.NewRequest(http.MethodPost, flow.TokenURL, strings.NewReader(form.Encode()))
	exchange.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	exchange.Header.Set("X-Requested-With", "XMLHttpRequest")
	exchange.Header.Set("Origin", public)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, exchange)
	var token core.Token
	if err := json.Unmarshal(answer.Body.Bytes(), &token); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("token: %d %s %v", answer.Code, answer.Body, err)
	}
	for _, c := range []struct {
		path, authorization string
		status              int
	}{
		{"/api/me", "", http.StatusUnauthorized},
		{"/api/me", "Bearer " + token.AccessToken, http.StatusOK},
		{"/api/users", "Bearer " + token.AccessToken, http.StatusForbidden},
		{"/api/users", idp.Bearer("alice"), http.StatusOK},
	} {
		if answer := get(t, handler, c.path, c.authorization); answer.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.path, answer.Code, answer.Body, c.status)
		}
	}
}
