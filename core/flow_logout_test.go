package core_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const flowBye = "https://app.example.org/bye?x=1"

func flowByes(c *core.Config) { c.PostLogoutURIs = []string{flowBye, "http://localhost:3000/"} }

// Where the browser goes, with the provider's end-session endpoint and without it.
func TestLogout(t *testing.T) {
	endSession := map[string]any{"end_session_endpoint": "https://idp.test/logout?realm=a"}
	services := map[string]*flowService{
		"with":    flowInMemory(t, &flowMemory{metadata: endSession}, flowByes),
		"without": flowInMemory(t, &flowMemory{}, flowByes),
		"down":    flowInMemory(t, &flowMemory{down: true}, flowByes),
	}
	const at = "https://idp.test/logout?realm=a&client_id=app"
	bye := "&post_logout_redirect_uri=" + url.QueryEscape(flowBye)
	for _, c := range []struct{ name, query, with, without string }{
		{"nothing", "", at, "/"},
		{"an address", "post_logout_redirect_uri=" + url.QueryEscape(flowBye), at + bye, flowBye},
		{"an address and state", "state=a+%26b&post_logout_redirect_uri=" + url.QueryEscape(flowBye), at + bye + "&state=a+%26b", flowBye + "&state=a+%26b"},
		{"an address without a query", "state=s&post_logout_redirect_uri=http://localhost:3000/", at + "&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F&state=s", "http://localhost:3000/?state=s"},
		{"state alone", "state=s", at + "&state=s", "/"},
		{"id_token_hint", "id_token_hint=h.i.j", at + "&id_token_hint=h.i.j", "/"},
		{"everything", "id_token_hint=h&state=s&post_logout_redirect_uri=" + url.QueryEscape(flowBye), at + "&id_token_hint=h" + bye + "&state=s", flowBye + "&state=s"},
		{"an address that is not configured", "post_logout_redirect_uri=https://evil.example&state=s", at + "&state=s", "/"},
		{"two addresses", "post_logout_redirect_uri=https://evil.example&post_logout_redirect_uri=" + url.QueryEscape(flowBye), at, "/"},
		{"the same twice", "post_logout_redirect_uri=http://localhost:3000/&post_logout_redirect_uri=http://localhost:3000/", at, "/"},
		{"two hints", "id_token_hint=a&id_token_hint=b", at, "/"},
		{"a hint without end", "id_token_hint=" + strings.Repeat("h", 10<<10), at + "&id_token_hint=" + strings.Repeat("h", 10<<10), "/"},
		{"injected", "state=" + url.QueryEscape("s&client_id=evil#x\r\nSet-Cookie: a=b"), at + "&state=s%26client_id%3Devil%23x%0D%0ASet-Cookie%3A+a%3Db", "/"},
		{"others are ignored", "client_id=evil&logout_hint=x&redirect_uri=https://evil.example&next=//evil.example", at, "/"},
	} {
		for name, f := range services {
			want := c.without
			if name == "with" {
				want = c.with
			}
			answer := f.getRaw("logout", c.query)
			if got := answer.Header["Location"]; answer.Status != http.StatusFound || len(answer.Body) > 0 || len(got) != 1 || !flowSameTarget(t, got[0], want) {
				t.Errorf("%s, %s: got %d %.200q, want %.200q", c.name, name, answer.Status, got, want)
			}
			flowNoStore(t, answer)
		}
	}
	if log := services["without"].traffic.logs.String(); !strings.Contains(log, "end_session_endpoint") {
		t.Errorf("the log says %s", log)
	}
}

// flowSameTarget compares addresses whose parameters may stand in another order.
func flowSameTarget(t testing.TB, got, want string) bool {
	t.Helper()
	one, errOne := url.Parse(got)
	two, errTwo := url.Parse(want)
	if errOne != nil || errTwo != nil {
		t.Fatal(errOne, errTwo)
	}
	same := one.Query().Encode() == two.Query().Encode() && strings.Count(got, "?") == strings.Count(want, "?")
	one.RawQuery, two.RawQuery = "", ""
	return same && one.String() == two.String()
}

// A bearer that is valid is revoked, before the redirect; one that is not changes nothing, and nobody
// is told.
func TestLogoutRevokes(t *testing.T) {
	f := newFlow(t, nil)
	alice := f.tokens("alice")
	target := f.idp.Issuer() + "/logout?client_id=app"
	for name, headers := range map[string][]string{
		"none": nil, "garbage": {"Authorization: Bearer x.y.z"}, "basic": {"Authorization: Basic YTpi"}, "expired": {"Authorization: " + f.idp.Bearer("alice", oidctest.Claims{"exp": 1})},
		"of another client": {"Authorization: " + f.idp.Bearer("alice", oidctest.Claims{"aud": "other", "azp": "other", "client_id": "other"})},
		"two":               {"Authorization: Bearer " + alice.AccessToken, "Authorization: Bearer " + alice.AccessToken},
		"cookie":            {"Cookie: access_token=" + alice.AccessToken},
	} {
		answer := f.get("logout", url.Values{"access_token": {alice.AccessToken}, "token": {alice.AccessToken}}, headers...)
		if answer.Status != 302 || answer.Header.Get("Location") != target {
			t.Errorf("%s: %d %v", name, answer.Status, answer.Header)
		}
	}
	if f.idp.Hits(oidctest.Revocation) != 0 {
		t.Error("something was revoked without a valid bearer")
	}
	answer := f.get("logout", nil, "Authorization: Bearer "+alice.AccessToken)
	asked := f.idp.Last(oidctest.Revocation)
	if answer.Status != 302 || answer.Header.Get("Location") != target || f.idp.Hits(oidctest.Revocation) != 1 || asked.Form.Get("token") != alice.AccessToken || asked.Form.Get("token_type_hint") != "access_token" || len(asked.Form) != 2 {
		t.Errorf("%d %v, the provider got %v", answer.Status, answer.Header, asked.Form)
	}
	if id, secret, ok := (&http.Request{Header: asked.Header}).BasicAuth(); !ok || id != oidctest.ConfidentialClient || secret != oidctest.ClientSecret {
		t.Errorf("the client authenticates by %v", asked.Header)
	}
	if strings.Contains(answer.Header.Get("Location"), alice.AccessToken) {
		t.Error("the token is in the redirect")
	}
	for name, fault := range map[string]oidctest.Fault{
		"refused": oidctest.Refused(), "500": oidctest.Status(500), "400": oidctest.ErrorCode(400, "unsupported_token_type"), "HTML": oidctest.HTML(200), "307": oidctest.Redirect(307), "2 MB": oidctest.Oversized(),
	} {
		f.idp.Fault(oidctest.Revocation, fault)
		before := f.idp.Hits(oidctest.Revocation)
		answer := f.get("logout", nil, "Authorization: "+f.idp.Bearer("bob"))
		if answer.Status != 302 || answer.Header.Get("Location") != target || f.idp.Hits(oidctest.Revocation) != before+1 {
			t.Errorf("%s: %d %v, %d requests", name, answer.Status, answer.Header, f.idp.Hits(oidctest.Revocation)-before)
		}
	}
	if log := f.traffic.logs.String(); !strings.Contains(log, "cannot be revoked") {
		t.Errorf("the log says %s", log)
	}
	without := newFlow(t, nil, oidctest.WithoutRevocation(), oidctest.WithoutEndSession())
	if answer := without.get("logout", nil, "Authorization: "+without.idp.Bearer("bob")); answer.Status != 302 || answer.Header.Get("Location") != "/" {
		t.Errorf("without both endpoints: %d %v", answer.Status, answer.Header)
	}
}

// A program that posts gets the address as JSON; what a browser shows is a redirect.
func TestLogoutPosted(t *testing.T) {
	f := newFlow(t, flowByes)
	target := f.idp.Issuer() + "/logout?client_id=app&post_logout_redirect_uri=" + url.QueryEscape(flowBye) + "&state=s"
	form := url.Values{"post_logout_redirect_uri": {flowBye}, "state": {"s"}}
	for name, c := range map[string]struct {
		headers []string
		page    bool
	}{
		"nothing said":                   {nil, false},
		"anything":                       {[]string{"Accept: */*"}, false},
		"JSON":                           {[]string{"Accept: application/json"}, false},
		"JSON rather than a page":        {[]string{"Accept: text/html;q=0.8, application/json"}, false},
		"a page that is not wanted":      {[]string{"Accept: text/html;q=0"}, false},
		"a script":                       {[]string{"Sec-Fetch-Mode: cors", "Accept: text/html"}, false},
		"a navigation":                   {[]string{"Sec-Fetch-Mode: navigate"}, true},
		"a page":                         {[]string{"Accept: Text/HTML,application/xhtml+xml;q=0.9,*/*;q=0.8"}, true},
		"a page, in a line of its own":   {[]string{"Accept: image/png", "Accept: text/html"}, true},
		"a page rather than JSON":        {[]string{"Accept: application/json;q=0.5, text/html;q=0.9"}, true},
		"a navigation from another site": {[]string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"}, true},
	} {
		answer := f.post("logout", form, c.headers...)
		flowNoStore(t, answer)
		if c.page {
			if answer.Status != 302 || !flowSameTarget(t, answer.Header.Get("Location"), target) {
				t.Errorf("%s: %d %s %v", name, answer.Status, answer.Body, answer.Header)
			}
			continue
		}
		var got core.LogoutStart
		if err := json.Unmarshal(answer.Body, &got); err != nil || answer.Status != 200 || !flowSameTarget(t, got.LogoutURL, target) || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	flowRefused(t, "two", f.post("logout", url.Values{"refresh_token": {"a"}, "refresh-token": {"b"}}), 400, "invalid_request", "Parameter refresh_token is given more than once.")
	if f.idp.Hits(oidctest.Revocation) != 0 {
		t.Error("something was revoked")
	}
	alice := f.tokens("alice")
	for _, name := range []string{"refresh_token", "refresh-token"} {
		f.get("logout", url.Values{name: {alice.RefreshToken}}) // an address is no place for it
		before := f.idp.Hits(oidctest.Revocation)
		f.post("logout", url.Values{name: {alice.RefreshToken}})
		if asked := f.idp.Last(oidctest.Revocation); f.idp.Hits(oidctest.Revocation) != before+1 || asked.Form.Get("token") != alice.RefreshToken || asked.Form.Get("token_type_hint") != "refresh_token" {
			t.Errorf("%s: the provider got %v", name, asked.Form)
		}
	}
}

// A method that the path does not have names those that it has.
func TestLogoutMethods(t *testing.T) {
	f := newFlow(t, nil)
	answer := f.routes["logout"].Serve(t.Context(), core.ParseRequest(http.MethodHead, "", "", nil, nil))
	if answer.Status != 405 || answer.Header.Get("Allow") != "GET, POST" {
		t.Errorf("%d %v", answer.Status, answer.Header)
	}
}
