package core_test

import (
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
