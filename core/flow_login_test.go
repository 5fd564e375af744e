package core_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The whole authorization request, and the place of its verifier.
func TestLoginSendsToTheProvider(t *testing.T) {
	for name, redirect := range map[string]string{"browser": flowOwnCallback, "loopback": flowRedirect} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, nil)
			target, answer := f.login(url.Values{
				"redirect_uri": {redirect}, "offline_access": {"true"}, "prompt": {"consent"},
				"response_type": {"code"}, "client_id": {oidctest.ConfidentialClient}, "nonce": {"mine"}, "response_mode": {"query"}, "utm_source": {"a", "b"}, "login_hint": {""},
			})
			flowNoStore(t, answer)
			query := target.Query()
			if base := f.idp.Issuer() + "/authorize?"; !strings.HasPrefix(target.String(), base) {
				t.Errorf("the browser goes to %s", target)
			}
			state, nonce, challenge := query.Get("state"), query.Get("nonce"), query.Get("code_challenge")
			want := url.Values{
				"response_type": {"code"}, "client_id": {oidctest.ConfidentialClient}, "redirect_uri": {redirect}, "prompt": {"consent"},
				"scope": {"openid profile email offline_access"}, "code_challenge_method": {"S256"},
				"state": {state}, "nonce": {nonce}, "code_challenge": {challenge},
			}
			if query.Encode() != want.Encode() {
				t.Errorf("got %v, want %v", query, want)
			}
			if !regexp.MustCompile(`^[A-Za-z0-9_-]{129,}$`).MatchString(state) || len(nonce) < 22 || len(challenge) != 43 {
				t.Errorf("state %q, nonce %q, challenge %q", state, nonce, challenge)
			}
			back := f.approve(target, "alice")
			if name == "browser" {
				flowGranted(t, f.get("callback", back, "Cookie: "+flowCookie(t, answer)))
			} else {
				flowGranted(t, f.post("token", url.Values{"code": {back.Get("code")}, "redirect_uri": {redirect}, "code_verifier": {state}}))
			}
			verifier := f.idp.Last(oidctest.Token).Form.Get("code_verifier")
			sum := sha256.Sum256([]byte(verifier))
			if len(verifier) < 43 || base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
				t.Errorf("verifier %q does not fit the challenge", verifier)
			}
			opened, _ := base64.RawURLEncoding.DecodeString(state)
			if shown := target.String() + strings.Join(answer.Header["Set-Cookie"], "") + string(opened); strings.Contains(shown, verifier) {
				t.Error("the verifier shows in the login")
			}
		})
	}
}

// Two logins share no state, nonce or challenge.
func TestLoginsDiffer(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	seen := map[string]bool{}
	for range 20 {
		target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
		for _, text := range []string{target.Query().Get("state"), target.Query().Get("nonce"), target.Query().Get("code_challenge"), flowCookie(t, answer)} {
			if seen[text] || len(text) < 22 {
				t.Fatalf("%q came twice, or is short", text)
			}
			seen[text] = true
		}
	}
}

// The cookie that binds a login to its browser.
func TestLoginCookie(t *testing.T) {
	for name, c := range map[string]struct{ public, redirect, want string }{
		"http on loopback": {"http://localhost:8080/api", flowOwnCallback, `^oidc-[A-Za-z0-9_-]{14}=[A-Za-z0-9_-]{22}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax$`},
		"https": {"https://app.example.org/api", "https://app.example.org/api/auth/v2/callback",
			`^__Host-oidc-[A-Za-z0-9_-]{14}=[A-Za-z0-9_-]{22}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`},
		"loopback clients need none": {"https://app.example.org/api", flowRedirect, ""},
	} {
		f := flowInMemory(t, &flowMemory{}, func(c2 *core.Config) { c2.PublicURL = c.public })
		_, answer := f.login(url.Values{"redirect_uri": {c.redirect}})
		cookies := answer.Header["Set-Cookie"]
		if c.want == "" && len(cookies) == 0 {
			continue
		}
		if len(cookies) != 1 || !regexp.MustCompile(c.want).MatchString(cookies[0]) {
			t.Errorf("%s: %q", name, cookies)
		}
	}
}

// A browser has at most five logins in progress; the oldest is dropped, and other cookies stay.
func TestLoginsOfOneBrowser(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	names := []string{
		"oidc-65000005aaaaaa", "oidc-65000001bbbbbb", "oidc-65000003cccccc", "oidc-65000002dddddd", "oidc-65000004eeeeee", "oidc-65000006ffffff",
	}
	for held, dropped := range map[int][]string{0: nil, 4: nil, 5: {"oidc-65000001bbbbbb"}, 6: {"oidc-65000001bbbbbb", "oidc-65000002dddddd"}} {
		line := "Cookie: oidc=1; session=oidc-65000001bbbbbb; oidc-short=1; __Host-oidc-65000001zzzzzz=1; Xoidc-65000001zzzzzz=1"
		for _, name := range names[:held] {
			line += "; " + name + "=v"
		}
		_, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}}, line)
		flowCookie(t, answer)
		var gone []string
		for _, cookie := range (&http.Response{Header: answer.Header}).Cookies() {
			if cookie.MaxAge < 0 {
				gone = append(gone, cookie.Name)
			}
		}
		if !slices.Equal(gone, dropped) {
			t.Errorf("with %d logins: %v go, want %v", held, gone, dropped)
		}
	}
}

// The prompt values of OpenID Connect; none is dropped.
func TestLoginPrompt(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	for prompt, want := range map[string]string{
		"": "", "none": "", "login": "login", "consent": "consent", "select_account": "select_account",
		"login consent": "login consent", "none login": "login", " login  login ": "login",
	} {
		target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}, "prompt": {prompt}})
		if got := target.Query().Get("prompt"); got != want || target.Query().Has("prompt") != (want != "") {
			t.Errorf("%q: got %q", prompt, got)
		}
	}
	for _, prompt := range []string{"nonexyz", "LOGIN", "create", "login,consent", "login\x00", "login&prompt=none", strings.Repeat("login ", 1000) + "x"} {
		answer := f.get("login", url.Values{"redirect_uri": {flowRedirect}, "prompt": {prompt}})
		flowRefused(t, prompt, answer, 400, "invalid_request", "This prompt is not one of login, consent, select_account and none.")
	}
}

// A login may choose among configured and standard scopes, in a stable order; openid is always included.
func TestLoginScope(t *testing.T) {
	plain := flowInMemory(t, &flowMemory{}, func(c *core.Config) { c.Scopes = []string{"groups", "email", "groups"} })
	without := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
		c.Scopes, c.NoOfflineAccess = []string{"offline_access", "email"}, true
	})
	defaults := flowInMemory(t, &flowMemory{}, nil)
	for _, c := range []struct {
		name, query, want string
		f                 *flowService
	}{
		{"configured", "", "openid groups email", plain},
		{"default", "", "openid profile email", defaults},
		{"offline_access", "offline_access=true", "openid groups email offline_access", plain},
		{"offline_access, any case", "offline_access=TRUE", "openid groups email offline_access", plain},
		{"offline_access, another word", "offline_access=1", "openid groups email", plain},
		{"chosen", "scope=email", "openid email", plain},
		{"order of the query", "scope=email+groups+email+openid", "openid email groups", plain},
		{"standard ones", "scope=profile+offline_access", "openid profile offline_access", plain},
		{"not configured", "scope=admin+groups+GROUPS+group", "openid groups", plain},
		{"none left", "scope=admin", "openid", plain},
		{"injected", "scope=groups%26prompt%3Dnone+%22", "openid", plain},
		{"NoOfflineAccess", "offline_access=true", "openid email", without},
		{"NoOfflineAccess, chosen", "scope=offline_access+email", "openid email", without},
	} {
		answer := c.f.getRaw("login", "redirect_uri="+url.QueryEscape(flowRedirect)+"&"+c.query)
		target, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || answer.Status != http.StatusFound || target.Query().Get("scope") != c.want {
			t.Errorf("%s: got %d %q, want %q", c.name, answer.Status, target.Query().Get("scope"), c.want)
		}
	}
	answer := plain.get("login", url.Values{"redirect_uri": {flowRedirect}, "scope": {strings.Repeat("x", 4097)}})
	flowRefused(t, "a long scope", answer, 400, "invalid_scope", "invalid_scope: the scope is too long")
}

// A login changes neither the next one nor data of the application.
func TestLoginsShareNothing(t *testing.T) {
	scopes := append(make([]string, 0, 16), "groups")
	f := newFlow(t, func(c *core.Config) { c.Scopes = scopes })
	for range 3 {
		f.login(url.Values{"redirect_uri": {flowRedirect}, "offline_access": {"true"}})
		f.login(url.Values{"redirect_uri": {flowRedirect}, "scope": {"profile offline_access"}})
		if answer := f.post("device", nil); answer.Status != http.StatusOK {
			t.Fatalf("device: %d %s", answer.Status, answer.Body)
		}
		if got := f.idp.Last(oidctest.Device).Form["scope"]; !slices.Equal(got, []string{"openid groups offline_access"}) {
			t.Errorf("a device asks for %q", got)
		}
	}
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	if got := target.Query().Get("scope"); got != "openid groups" {
		t.Errorf("a later login asks for %q", got)
	}
	if rest := scopes[:cap(scopes)]; rest[0] != "groups" || rest[1] != "" {
		t.Errorf("the application's list became %q", rest)
	}
	scopes[0] = "admin"
	if target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}}); target.Query().Get("scope") != "openid groups" {
		t.Error("the configuration is not a copy")
	}
}

// An authorization endpoint with a query keeps it.
func TestLoginMergesQueries(t *testing.T) {
	f := flowInMemory(t, &flowMemory{metadata: map[string]any{"authorization_endpoint": "https://idp.test/authorize?tenant=a%20b&x"}}, nil)
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	if strings.Count(target.String(), "?") != 1 || target.Query().Get("tenant") != "a b" || target.Query().Get("client_id") != "app" {
		t.Errorf("got %s", target)
	}
}

func TestLoginRefuses(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	flowRefused(t, "no redirect_uri", f.getRaw("login", ""), 400, "invalid_request", "Missing redirect_uri")
	flowRefused(t, "an empty redirect_uri", f.getRaw("login", "redirect_uri="), 400, "invalid_request", "Missing redirect_uri")
	for _, name := range []string{"redirect_uri", "prompt", "scope", "state", "offline_access", "code_challenge", "code_challenge_method"} {
		query := "redirect_uri=" + url.QueryEscape(flowRedirect) + "&" + name + "=login"
		if name != "redirect_uri" {
			query += "&" + name + "=login"
		}
		flowRefused(t, "twice "+name, f.getRaw("login", query), 400, "invalid_request", "Parameter "+name+" is given more than once.")
	}
	flowRefused(t, "a broken escape", f.getRaw("login", "redirect_uri=%zz"), 400, "invalid_request", "The query string is malformed.")
	flowRefused(t, "a long query", f.getRaw("login", "x="+strings.Repeat("x", 16<<10)), 414, "invalid_request", "The query string is too long.")
	if f.traffic.total() != 0 {
		t.Errorf("the provider was asked %d times for requests that nobody can answer", f.traffic.total())
	}
}

// A provider that is down is a clean 503, and the next login after it works again.
func TestLoginWithoutTheProvider(t *testing.T) {
	f := flowInMemory(t, &flowMemory{down: true}, nil)
	answer := f.get("login", url.Values{"redirect_uri": {flowRedirect}})
	flowRefused(t, "provider down", answer, 503, "", "OIDC server unavailable, cannot log in.")
	if answer.Header.Get("Retry-After") != "10" {
		t.Errorf("Retry-After: %v", answer.Header)
	}
	f.idp.Heal()
	f.login(url.Values{"redirect_uri": {flowRedirect}})

	f = flowInMemory(t, &flowMemory{metadata: map[string]any{"authorization_endpoint": nil}}, nil)
	answer = f.get("login", url.Values{"redirect_uri": {flowRedirect}})
	flowRefused(t, "no endpoint", answer, 502, "server_error", "OIDC endpoint 'authorization_endpoint' not found in discovery.")
}
