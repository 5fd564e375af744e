package core_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// flowAlmost lists addresses that are almost the allowed http://127.0.0.1:53100/callback, or that some parsers take for it.
var flowAlmost = []string{
	// scheme
	"https://127.0.0.1:53100/callback", "HTTP://127.0.0.1:53100/callback", "Http://localhost/callback", "//127.0.0.1:53100/callback",
	"http:/127.0.0.1:53100/callback", "http:127.0.0.1:53100/callback", "http:///127.0.0.1:53100/callback", "http//127.0.0.1/callback",
	"ftp://127.0.0.1/callback", "javascript://127.0.0.1/callback", "javascript:alert(1)//http://127.0.0.1/callback", "data:text/html,/callback",
	"file://localhost/callback", "ws://localhost/callback", "xhttp://localhost/callback", " http://localhost/callback", "\thttp://localhost/callback",
	"h\nttp://localhost/callback", "\x00http://localhost/callback", "view-source:http://localhost/callback", "blob:http://localhost/callback",
	"localhost/callback", "/callback", "callback", "?", "#", ".", "loopback", "Loopback",
	// host
	"http://127.0.0.1.evil.example/callback", "http://localhost.evil.example/callback", "http://evil.example/callback", "http://127.0.0.1./callback",
	"http://localhost./callback", "http://LOCALHOST/callback", "http://Localhost/callback", "http://127.0.0.2/callback", "http://127.1/callback",
	"http://127.0.1/callback", "http://2130706433/callback", "http://0x7f000001/callback", "http://0177.0.0.1/callback", "http://127.000.000.001/callback",
	"http://0x7f.1/callback", "http://0.0.0.0/callback", "http://0/callback", "http://[::]/callback", "http://[0:0:0:0:0:0:0:1]/callback",
	"http://[::01]/callback", "http://[::1%25lo]/callback", "http://[::1%eth0]/callback", "http://[::ffff:127.0.0.1]/callback", "http://::1/callback",
	"http://[::1/callback", "http://[localhost]/callback", "http://[127.0.0.1]/callback", "http://[::1]evil.example/callback", "http://[::1].evil.example/callback",
	"http://localhostevil.example/callback", "http://localhost-/callback", "http://127.0.0.1evil.example/callback", "http:// localhost/callback",
	"http://localhost /callback", "http://local\thost/callback", "http://local\nhost/callback", "http://localhost\x00/callback", "http://localhost%00/callback",
	"http://localhost%2eevil.example/callback", "http://127%2e0%2e0%2e1/callback", "http://%6cocalhost/callback", "http://１２７.0.0.1/callback",
	"http://127。0。0。1/callback", "http://ⓛocalhost/callback", "http://lοcalhost/callback", "http://xn--lcalhost-54a/callback", "http:///callback",
	"http://localhost\u200b/callback", "http://localhost\u2044callback", "http://localhost\uff0fcallback", "http://127.0.0.1\u3002evil.example/callback",
	// user information
	"http://user@localhost/callback", "http://user:pw@127.0.0.1/callback", "http://@localhost/callback", "http://:@localhost/callback",
	"http://localhost@evil.example/callback", "http://localhost:53100@evil.example/callback", "http://127.0.0.1:1@evil.example:2/callback",
	"http://evil.example#@localhost/callback", "http://evil.example?@localhost/callback", "http://evil.example/@localhost/callback",
	"http://evil.example\\@localhost/callback", "http://localhost%40evil.example/callback", "http://localhost:%40evil.example/callback",
	// port
	"http://localhost:/callback", "http://127.0.0.1:/callback", "http://[::1]:/callback", "http://localhost:0/callback", "http://localhost:65536/callback",
	"http://localhost:99999/callback", "http://localhost:4294967376/callback", "http://localhost:18446744073709551617/callback", "http://localhost:080/callback",
	"http://localhost:0080/callback", "http://localhost:-80/callback", "http://localhost:+80/callback", "http://localhost:8 0/callback", "http://localhost: 80/callback",
	"http://localhost:80 /callback", "http://localhost:8_0/callback", "http://localhost:0x50/callback", "http://localhost:8e1/callback", "http://localhost:80.0/callback",
	"http://localhost:80:80/callback", "http://localhost::80/callback", "http://localhost:http/callback", "http://localhost:８０/callback", "http://localhost:%38%30/callback",
	"http://localhost:٨٠/callback", "http://localhost:80a/callback", "http://localhost:80@/callback",
	// path
	"http://localhost", "http://localhost/", "http://localhost:53100", "http://localhost/callback/", "http://localhost//callback", "http://localhost/./callback",
	"http://localhost/../callback", "http://localhost/x/../callback", "http://localhost/callback/.", "http://localhost/callback/..", "http://localhost/callback/../evil",
	"http://localhost/Callback", "http://localhost/CALLBACK", "http://localhost/call%62ack", "http://localhost%2fcallback", "http://localhost/%2e/callback",
	"http://localhost/x/callback", "http://localhost/callbackx", "http://localhost/callback.html", "http://localhost/callback%00", "http://localhost/callback\x00",
	"http://localhost/callback%20", "http://localhost/callback ", "http://localhost/callback\t", "http://localhost/callback\n", "http://localhost/callback\r\nX: y",
	"http://localhost/callback;x", "http://localhost\\callback", "http:\\\\localhost\\callback", "http://localhost/\\callback", "http://localhost/callback\\",
	"http://evil.example/http://localhost/callback", "http://evil.example/localhost/callback", "http://localhost/callback,http://localhost/callback",
	"http://localhost/callback http://localhost/callback", "http://localhost|/callback", "http://localhost/|/callback", "http://localhost:1|x/callback",
	// query and fragment
	"http://localhost/callback?", "http://localhost/callback?x=1", "http://localhost/callback#", "http://localhost/callback#x", "http://localhost?/callback",
	"http://localhost#/callback", "http://localhost/?x=/callback", "http://localhost/#/callback", "http://evil.example?http://localhost/callback",
	"http://localhost/callback%3F", "http://localhost/callback%23", "http://localhost/callback&x=1",
	"http://localhost:1" + strings.Repeat("0", 3000) + "/callback", "http://localhost/" + strings.Repeat("x", 3000) + "/callback", "http://" + strings.Repeat("a.", 200) + "localhost/callback",
}

// flowAlmostOwn returns addresses that are almost the callback route or an entry of RedirectURIs.
func flowAlmostOwn(exact string) []string {
	host := strings.Split(strings.SplitN(exact, "://", 2)[1], "/")[0]
	return []string{
		exact + "/", exact + "?", exact + "?x=1", exact + "#", exact + "#x", exact + "%20", exact + " ", exact + "\n", exact + "\x00", exact + "x", exact + ";x", exact[:len(exact)-1],
		strings.ToUpper(exact), strings.Replace(exact, "https", "HTTPS", 1), strings.Replace(exact, "https://", "http://", 1), strings.Replace(exact, "https://", "//", 1),
		strings.Replace(exact, "https:", "", 1), strings.Replace(exact, host, host+":443", 1), strings.Replace(exact, host, host+":", 1), strings.Replace(exact, host, host+".", 1),
		strings.Replace(exact, host, strings.ToUpper(host), 1), strings.Replace(exact, host, host+".evil.example", 1), strings.Replace(exact, host, host+"@evil.example", 1),
		strings.Replace(exact, host, "evil.example/"+host, 1), strings.Replace(exact, host, "user@"+host, 1), strings.Replace(exact, host+"/", host+"//", 1),
		strings.Replace(exact, host+"/", host+"/./", 1), strings.Replace(exact, host+"/", host+"/x/../", 1), strings.Replace(exact, host+"/", host+"\\", 1),
		strings.Replace(exact, host, strings.Replace(host, ".", "%2e", 1), 1), strings.Replace(exact, "a", "%61", 1), strings.Replace(exact, host, strings.Replace(host, ".", "。", 1), 1),
		" " + exact, "\t" + exact, "x" + exact, exact + "," + exact, "javascript:" + exact, "https://evil.example/?" + exact, "https://evil.example#" + exact,
	}
}

const flowNotAllowed = "This redirect_uri is not allowed."

// Addresses that are almost right are refused, and the provider is not called.
func TestRedirectsAlmostRight(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
		c.PublicURL = "https://app.example.org/api"
		c.RedirectURIs = []string{core.Loopback, "https://spa.example.org/login/done"}
	})
	tries := flowAlmost
	tries = append(tries, flowAlmostOwn("https://app.example.org/api/auth/v2/callback")...)
	tries = append(tries, flowAlmostOwn("https://spa.example.org/login/done")...)
	challenge := strings.Repeat("c", 43)
	for _, uri := range tries {
		for _, query := range []url.Values{{"redirect_uri": {uri}}, {"redirect_uri": {uri}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}} {
			answer := f.get("login", query)
			flowRefused(t, fmt.Sprintf("%.100q", uri), answer, 400, "invalid_request", flowNotAllowed)
			if len(answer.Header["Location"])+len(answer.Header["Set-Cookie"]) > 0 {
				t.Errorf("%.100q: %v", uri, answer.Header)
			}
		}
	}
	if f.traffic.total() != 0 {
		t.Errorf("the provider was asked %d times", f.traffic.total())
	}
	t.Logf("%d addresses", len(tries))
}

// Any loopback port of the three hosts is allowed.
func TestLoopbackRedirects(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, func(c *core.Config) { c.PublicURL = "" })
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		for _, port := range []string{"", ":1", ":80", ":8000", ":53100", ":53105", ":65535"} {
			uri := "http://" + host + port + "/callback"
			if target, _ := f.login(url.Values{"redirect_uri": {uri}}); target.Query().Get("redirect_uri") != uri {
				t.Errorf("%s became %s", uri, target.Query().Get("redirect_uri"))
			}
		}
	}
}

// RedirectURIs replaces the loopback rule; the Host header has no effect.
func TestConfiguredRedirects(t *testing.T) {
	listed := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
		c.PublicURL, c.RedirectURIs = "https://app.example.org", []string{"org.example.app:/done", "http://localhost:7777/callback"}
	})
	for uri, status := range map[string]int{
		"https://app.example.org/auth/v2/callback": 302, "http://localhost:7777/callback": 302,
		"http://localhost:7778/callback": 400, "http://127.0.0.1:7777/callback": 400, "loopback": 400, "org.example.app:/done": 302, "org.example.app:/done/": 400, "ORG.example.app:/done": 400,
		"https://evil.example/auth/v2/callback": 400,
	} {
		query := url.Values{"redirect_uri": {uri}}
		if strings.HasPrefix(uri, "org.") {
			query.Set("code_challenge", strings.Repeat("c", 43))
			query.Set("code_challenge_method", "S256")
		}
		answer := listed.get("login", query, "Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "Forwarded: host=evil.example")
		if answer.Status != status {
			t.Errorf("%s: %d %s", uri, answer.Status, answer.Body)
		}
	}
	off, err := listed.auth.Routes(core.Paths{Callback: core.Off})
	if err != nil {
		t.Fatal(err)
	}
	request := core.ParseRequest(http.MethodGet, "", "redirect_uri="+url.QueryEscape("https://app.example.org/auth/v2/callback"), nil, nil)
	flowRefused(t, "a callback that is off", off[0].Serve(t.Context(), request), 400, "invalid_request", flowNotAllowed)
}

// A logout redirects only to configured addresses, with and without an end-session endpoint of the provider.
func TestLogoutTargetsAlmostRight(t *testing.T) {
	const exact = "https://app.example.org/bye"
	configured := func(c *core.Config) { c.PostLogoutURIs = []string{exact} }
	with := flowInMemory(t, &flowMemory{metadata: map[string]any{"end_session_endpoint": "https://idp.test/logout"}}, configured)
	without := flowInMemory(t, &flowMemory{}, configured)
	down := flowInMemory(t, &flowMemory{down: true}, configured)
	tries := append([]string{
		"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/bye", "/", "", "https:evil.example", "https:/evil.example",
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "https://evil.example", "http://app.example.org/bye", "\thttps://app.example.org/bye",
		"https://app.example.org/bye\r\nSet-Cookie: x=y", strings.Repeat("x", 10000),
	}, flowAlmostOwn(exact)...)
	for _, uri := range append(tries, flowAlmost...) {
		query := url.Values{"post_logout_redirect_uri": {uri}}
		for name, c := range map[string]struct {
			f    *flowService
			want string
		}{"with": {with, "https://idp.test/logout?client_id=app"}, "without": {without, "/"}, "down": {down, "/"}} {
			answer := c.f.get("logout", query)
			if got := answer.Header["Location"]; answer.Status != http.StatusFound || len(got) != 1 || got[0] != c.want {
				t.Errorf("%s, %.100q: %d %q", name, uri, answer.Status, got)
			}
		}
	}
}

var flowLoopback = regexp.MustCompile(`^http://(?:localhost|127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?/callback$`)

// FuzzRedirectURI: a login is redirected exactly to the addresses that a second implementation of the rule allows.
func FuzzRedirectURI(f *testing.F) {
	for _, uri := range append([]string{flowRedirect, flowOwnCallback, "http://[::1]:1/callback"}, flowAlmost...) {
		f.Add(uri)
	}
	service := flowInMemory(f, &flowMemory{}, nil)
	f.Fuzz(func(t *testing.T, uri string) {
		match := flowLoopback.FindStringSubmatch(uri)
		allowed := uri == flowOwnCallback
		if match != nil {
			port, err := strconv.Atoi("0" + match[1])
			allowed = err == nil && port <= 65535
		}
		request := core.ParseRequest(http.MethodGet, "", url.Values{"redirect_uri": {uri}}.Encode(), nil, nil)
		answer := service.routes["login"].Serve(t.Context(), request)
		target, err := url.Parse(answer.Header.Get("Location"))
		switch {
		case err != nil:
			t.Fatal(err)
		case allowed && (answer.Status != http.StatusFound || target.Query().Get("redirect_uri") != uri || target.Host != "idp.test"):
			t.Errorf("%q: %d %s", uri, answer.Status, target)
		case !allowed && (answer.Status < 400 || answer.Status > 414 || target.String() != ""):
			t.Errorf("%q: %d %s", uri, answer.Status, target)
		}
	})
}
