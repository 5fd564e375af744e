package core_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// asPublic makes a configuration that of the public client.
func asPublic(c *core.Config) { c.ClientID, c.ClientSecret = oidctest.PublicClient, "" }

// Which logins are pushed: it depends on the provider, on whether the client can authenticate, and on the setting.
func TestWhenLoginsArePushed(t *testing.T) {
	offered, required := oidctest.WithPushedRequests(), oidctest.WithPushedRequestsOnly()
	set := func(mode core.PushedRequests, change func(*core.Config)) func(*core.Config) {
		return func(c *core.Config) {
			change(c)
			c.PushedRequests = mode
		}
	}
	secret := func(*core.Config) {}
	for name, c := range map[string]struct {
		change func(*core.Config)
		option oidctest.Option
		pushed bool
	}{
		"not offered":             {secret, nil, false},
		"offered, secret":         {secret, offered, true},
		"offered, key":            {withKey, offered, true},
		"offered, public":         {asPublic, offered, false},
		"offered, public, always": {set(core.PushAlways, asPublic), offered, true},
		"offered, never":          {set(core.PushNever, secret), offered, false},
		"required, secret":        {secret, required, true},
		"required, public":        {asPublic, required, true},
		"required, key":           {withKey, required, true},
	} {
		t.Run(name, func(t *testing.T) {
			var options []oidctest.Option
			if c.option != nil {
				options = append(options, c.option)
			}
			f := newFlow(t, c.change, options...)
			target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
			names := slices.Sorted(maps.Keys(target.Query()))
			if pushed := slices.Equal(names, []string{"client_id", "request_uri"}); pushed != c.pushed || f.idp.Hits(oidctest.PushedRequests) > 0 != c.pushed {
				t.Errorf("the browser brings %v", names)
			}
			f.tokens("alice")
		})
	}
}

// A pushed request has every parameter of a login, and the browser none of them. Each login pushes a request of its own, also that of a
// client with its own PKCE, and of a browser session.
func TestPushedParameters(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithPushedRequests())
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}, "prompt": {"login"}, "offline_access": {"true"}})
	sent := f.idp.Last(oidctest.PushedRequests)
	names := slices.Sorted(maps.Keys(sent.Form))
	if want := []string{"client_id", "code_challenge", "code_challenge_method", "nonce", "prompt", "redirect_uri", "response_type", "scope", "state"}; !slices.Equal(names, want) {
		t.Errorf("pushed: %v", names)
	}
	if sent.Method != http.MethodPost || len(sent.Query) > 0 || sent.Header.Get("Authorization") == "" || sent.Form.Get("scope") != "openid profile email offline_access" {
		t.Errorf("%s %v %v %v", sent.Method, sent.Query, sent.Header, sent.Form)
	}
	again, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	if again.Query().Get("request_uri") == target.Query().Get("request_uri") {
		t.Error("two logins use one request_uri")
	}
	own, _ := f.login(url.Values{"redirect_uri": {flowRedirect}, "code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}, "state": {"mine"}})
	if form := f.idp.Last(oidctest.PushedRequests).Form; own.Query().Has("state") || form.Get("state") != "mine" || form.Get("code_challenge") != strings.Repeat("c", 43) {
		t.Errorf("%s, pushed %v", own, form)
	}
	query, cookie := f.browser("alice")
	flowGranted(t, f.get("callback", query, cookie))
	if _, err := f.idp.Approve(target.String(), "alice"); err != nil {
		t.Error(err)
	}
	if back, err := f.idp.Approve(target.String(), "alice"); err == nil {
		t.Errorf("the request_uri is good twice: %s", back)
	}
}

// Whatever a provider answers to a push, nobody is redirected with it: a refusal is a 502 whose log line names the settings, an outage a 503.
func TestFailedPushes(t *testing.T) {
	reply := func(body string) oidctest.Fault { return oidctest.Reply(201, "application/json", body) }
	const (
		refused = "The OIDC provider refused this service's request."
		useless = "The OIDC provider gave an unusable answer."
		away    = "The OIDC provider cannot be reached."
		lacks   = "upstream_malformed_response, missing: "
	)
	for name, c := range map[string]struct {
		fault  oidctest.Fault
		status int
		detail string
		log    string
	}{
		"invalid_request":        {oidctest.ErrorCode(400, "invalid_request"), 502, refused, "code=invalid_request"},
		"invalid_client":         {oidctest.ErrorCode(401, "invalid_client"), 502, refused, `check="Config.ClientID, Config.ClientSecret, Config.PushedRequests"`},
		"invalid_scope":          {oidctest.ErrorCode(400, "invalid_scope"), 502, refused, `check="Config.Scopes, Config.NoOfflineAccess, Config.PushedRequests"`},
		"invalid_redirect_uri":   {oidctest.ErrorCode(400, "invalid_redirect_uri"), 502, refused, "Config.RedirectURIs, and the redirect URIs registered at the provider, Config.PushedRequests"},
		"unauthorized_client":    {oidctest.ErrorCode(400, "unauthorized_client"), 502, refused, "code=unauthorized_client"},
		"invalid_grant":          {oidctest.ErrorCode(400, "invalid_grant"), 502, refused, "code=invalid_grant"},
		"access_denied":          {oidctest.ErrorCode(403, "access_denied"), 502, refused, "status=403"},
		"authorization_pending":  {oidctest.ErrorCode(400, "authorization_pending"), 502, refused, "Config.PushedRequests"},
		"a code of its own":      {oidctest.ErrorCode(400, "upstream-secret"), 502, refused, "check=Config.PushedRequests"},
		"no such endpoint":       {oidctest.HTML(404), 502, refused, "check=Config.PushedRequests"},
		"too large":              {oidctest.HTML(413), 502, refused, "status=413"},
		"500":                    {oidctest.Status(500), 503, away, "status=500"},
		"503":                    {oidctest.HTML(503), 503, away, "status=503"},
		"429":                    {oidctest.Status(429), 503, away, "status=429"},
		"no connection":          {oidctest.Refused(), 503, away, "reason="},
		"cut":                    {oidctest.CutHalfway(), 503, away, "reason="},
		"a redirect":             {oidctest.Redirect(307), 502, useless, "reason=redirect"},
		"HTML":                   {oidctest.HTML(200), 502, useless, "reason=html"},
		"a megabyte":             {oidctest.Oversized(), 502, useless, "reason=too_large"},
		"half of it":             {oidctest.Truncated(), 502, useless, "reason=malformed"},
		"nothing":                {reply(""), 502, lacks + "request_uri", ""},
		"no request_uri":         {reply(`{"expires_in":60}`), 502, lacks + "request_uri", ""},
		"an empty request_uri":   {reply(`{"request_uri":"","expires_in":60}`), 502, lacks + "request_uri", ""},
		"a null request_uri":     {reply(`{"request_uri":null,"expires_in":60}`), 502, "", ""},
		"a number":               {reply(`{"request_uri":7,"expires_in":60}`), 502, useless, ""},
		"a list":                 {reply(`{"request_uri":["urn:a:b"],"expires_in":60}`), 502, useless, ""},
		"no expires_in":          {reply(`{"request_uri":"urn:a:b"}`), 502, lacks + "expires_in", ""},
		"expires_in 0":           {reply(`{"request_uri":"urn:a:b","expires_in":0}`), 502, useless, ""},
		"a negative expires_in":  {reply(`{"request_uri":"urn:a:b","expires_in":-1}`), 502, useless, ""},
		"a huge expires_in":      {reply(`{"request_uri":"urn:a:b","expires_in":1e99}`), 502, useless, ""},
		"a word as expires_in":   {reply(`{"request_uri":"urn:a:b","expires_in":"soon"}`), 502, useless, ""},
		"true as expires_in":     {reply(`{"request_uri":"urn:a:b","expires_in":true}`), 502, useless, ""},
		"two request_uris":       {reply(`{"request_uri":"urn:a:b","request_uri":"urn:a:c","expires_in":60}`), 502, useless, ""},
		"a relative request_uri": {reply(`{"request_uri":"abc","expires_in":60}`), 502, useless, ""},
		"a path":                 {reply(`{"request_uri":"/evil","expires_in":60}`), 502, useless, ""},
		"a space in it":          {reply(`{"request_uri":"urn:a:b c","expires_in":60}`), 502, useless, ""},
		"a line in it":           {reply(`{"request_uri":"urn:a:b\r\nSet-Cookie: x=y","expires_in":60}`), 502, useless, ""},
		"another alphabet":       {reply(`{"request_uri":"urn:a:é","expires_in":60}`), 502, useless, ""},
		"a long request_uri":     {reply(`{"request_uri":"urn:a:` + strings.Repeat("b", 1020) + `","expires_in":60}`), 502, useless, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, nil, oidctest.WithPushedRequests())
			f.idp.Fault(oidctest.PushedRequests, c.fault)
			answer := f.get("login", url.Values{"redirect_uri": {flowOwnCallback}})
			code := "server_error"
			if c.status == 503 {
				code = ""
				if answer.Header.Get("Retry-After") == "" {
					t.Errorf("no Retry-After: %v", answer.Header)
				}
			}
			if c.detail != "" {
				flowRefused(t, name, answer, c.status, code, c.detail)
			}
			if answer.Status != c.status || answer.Header.Get("Location") != "" || answer.Header.Get("Set-Cookie") != "" {
				t.Errorf("%d %v", answer.Status, answer.Header)
			}
			if f.idp.Hits(oidctest.PushedRequests) != 1 || f.idp.Hits(oidctest.Elsewhere) != 0 {
				t.Errorf("%d pushes, %d elsewhere", f.idp.Hits(oidctest.PushedRequests), f.idp.Hits(oidctest.Elsewhere))
			}
			wantLogged(t, f, c.log)
		})
	}
}

// What providers may write: numbers as texts, a URL, 200 in the place of 201.
func TestAcceptedPushes(t *testing.T) {
	for address, body := range map[string]string{
		"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c": `{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":"60"}`,
		"https://idp.example.org/r?x=1&y=2#z":                           `{"request_uri":"https://idp.example.org/r?x=1&y=2#z","expires_in":90.0,"more":{}}`,
	} {
		f := newFlow(t, nil, oidctest.WithPushedRequests())
		f.idp.Fault(oidctest.PushedRequests, oidctest.Reply(200, "application/json", body))
		target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
		if target.Query().Get("request_uri") != address || len(target.Query()) != 2 {
			t.Errorf("%s leads to %s", body, target)
		}
	}
}

// A retried login pushes with a new assertion, also after an answer that was lost.
func TestPushIsRetriedWithANewAssertion(t *testing.T) {
	f := newFlow(t, withKey, oidctest.WithPushedRequestsOnly())
	f.idp.Fault(oidctest.PushedRequests, oidctest.Times(1, oidctest.Cut()))
	if answer := f.get("login", url.Values{"redirect_uri": {flowRedirect}}); answer.Status != 503 {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	f.tokens("alice")
	all := f.idp.Asked(oidctest.PushedRequests)
	if len(all) != 2 || all[0].Form.Get("client_assertion") == all[1].Form.Get("client_assertion") {
		t.Errorf("%d pushes", len(all))
	}
}

// A push that hangs is bounded by Timeout.
func TestPushThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flowInMemory(t, &flowMemory{metadata: map[string]any{"pushed_authorization_request_endpoint": "https://idp.test/token"}}, func(c *core.Config) { c.Timeout = 5 * time.Second })
		f.idp.Fault(oidctest.Token, oidctest.Hang())
		begin := time.Now()
		flowRefused(t, "a push", f.get("login", url.Values{"redirect_uri": {flowRedirect}}), 503, "", "The OIDC provider cannot be reached.")
		if waited := time.Since(begin); waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

// Documents that require pushes and do not say where, or name an address that may not be called.
func TestPushEndpoints(t *testing.T) {
	const nowhere = "OIDC endpoint 'pushed_authorization_request_endpoint' not found in discovery."
	tampered := func(members map[string]any, change func(*core.Config)) *core.Response {
		f := newFlow(t, change)
		f.idp.Tamper(oidctest.DiscoveryDocuments, func(d oidctest.Claims) { maps.Copy(d, members) })
		return f.get("login", url.Values{"redirect_uri": {flowRedirect}})
	}
	flowRefused(t, "required", tampered(map[string]any{"require_pushed_authorization_requests": true}, nil), 502, "server_error", nowhere)
	flowRefused(t, "always", tampered(nil, func(c *core.Config) { c.PushedRequests = core.PushAlways }), 502, "server_error", nowhere)
	flowRefused(t, "http", tampered(map[string]any{"pushed_authorization_request_endpoint": "http://idp.example.org/par"}, nil), 503, "", "OIDC server unavailable, cannot log in.")
	flowRefused(t, "a number", tampered(map[string]any{"pushed_authorization_request_endpoint": 7}, nil), 503, "", "OIDC server unavailable, cannot log in.")
	if answer := tampered(map[string]any{"require_pushed_authorization_requests": "true"}, nil); answer.Status != http.StatusFound {
		t.Errorf("a text is no true: %d %s", answer.Status, answer.Body)
	}
}
