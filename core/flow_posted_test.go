package core_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// providerForm is what a browser sends with a form of the provider's page.
var providerForm = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site", "Accept: text/html"}

func posting(c *core.Config) { c.ResponseMode = "form_post" }

// crossSite is the browser as it sends a form of another site: only with the cookies that are SameSite=None.
func (b *browser) crossSite(lax map[string]string) *browser {
	other := &browser{web: b.web, jar: map[string]string{}}
	for name, value := range b.jar {
		if _, isLax := lax[name]; !isLax {
			other.jar[name] = value
		}
	}
	return other
}

// postBack begins a login and posts the provider's answer as a form of another site; lax are the cookies that stay behind.
func (b *browser) postBack(user string) *http.Response {
	b.t.Helper()
	lax := map[string]string{}
	for name, value := range b.jar {
		lax[name] = value
	}
	start := b.do(http.MethodGet, "/auth/v2/login?return_to=/page", navigation...)
	back, err := b.idp.Approve(start.Header.Get("Location"), user)
	if err != nil || !strings.Contains(start.Header.Get("Location"), "response_mode=form_post") {
		b.t.Fatal(start.Header, err)
	}
	return b.post(back, lax)
}

func (b *browser) post(back *url.URL, lax map[string]string) *http.Response {
	b.t.Helper()
	there := b.crossSite(lax)
	before := len(there.jar)
	answer := there.do(http.MethodPost, back.Path, append([]string{"Form: " + back.RawQuery, "Origin: https://idp.example"}, providerForm...)...)
	for _, cookie := range answer.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.jar, cookie.Name)
		} else {
			b.jar[cookie.Name] = cookie.Value
		}
	}
	if before == 0 {
		b.t.Log("the form came without a cookie")
	}
	return answer
}

// A posted answer begins a session without the cookies of this site: the navigation that follows ends the one that the browser had, and
// counts the login. No code, token or cookie of the session is in its address.
func TestPostedAnswer(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, func(c *core.Config) { mode(c); posting(c) })
		b := w.browser()
		var old string
		for i, user := range []string{"alice", "bob"} {
			answer := b.postBack(user)
			next := answer.Header.Get("Location")
			if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(next, webURL+"/auth/v2/callback?arrival=") || answer.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Fatalf("%d %v %s", answer.StatusCode, answer.Header, body(answer))
			}
			if strings.Contains(next, "code=") || len(answer.Cookies()) != 2 {
				t.Errorf("%s, cookies %v", next, answer.Cookies())
			}
			if _, value := b.sessionCookie(); value != old {
				t.Error("the form has changed the session's cookie")
			}
			landed := b.do(http.MethodGet, strings.TrimPrefix(next, webURL), navigation...)
			if landed.StatusCode != http.StatusFound || landed.Header.Get("Location") != webURL+"/page" {
				t.Fatalf("%d %v %s", landed.StatusCode, landed.Header, body(landed))
			}
			name, value := b.sessionCookie()
			if i > 0 {
				gone := w.browser()
				gone.jar[name] = old
				if answer := gone.do(http.MethodGet, "/page", script...); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("the old session lives: %d", answer.StatusCode)
				}
			}
			old = value
			if text := body(b.do(http.MethodGet, "/page", script...)); !strings.HasPrefix(text, user+" ") || len(b.jar) != 2 {
				t.Errorf("%s with %v", text, b.jar)
			}
			// The back button leads on.
			if again := b.do(http.MethodGet, strings.TrimPrefix(next, webURL), navigation...); again.Header.Get("Location") != webURL+"/page" {
				t.Errorf("again: %d %v", again.StatusCode, again.Header)
			}
			stranger := w.browser()
			if got := stranger.do(http.MethodGet, strings.TrimPrefix(next, webURL), navigation...); got.StatusCode != http.StatusBadRequest || len(stranger.jar) > 0 {
				t.Errorf("a stranger: %d %v", got.StatusCode, stranger.jar)
			}
		}
	})
}

// An answer for another browser is worth nothing there, before and after it was posted.
func TestPostedAnswerOfAnotherBrowser(t *testing.T) {
	w := newWeb(t, posting)
	attacker, victim := w.browser(), w.browser()
	start := attacker.do(http.MethodGet, "/auth/v2/login?return_to=/page", navigation...)
	back, err := w.idp.Approve(start.Header.Get("Location"), "bob")
	if err != nil {
		t.Fatal(err)
	}
	answer := victim.post(back, nil)
	if _, end := victim.visit(strings.TrimPrefix(answer.Header.Get("Location"), webURL), ""); len(victim.jar) != 0 || answer.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %v, ends at %s with %v", answer.StatusCode, answer.Header, end, victim.jar)
	}
	posted := attacker.post(back, nil) // a stranger's try does not spend it
	arrival := strings.TrimPrefix(posted.Header.Get("Location"), webURL)
	if got := victim.do(http.MethodGet, arrival, navigation...); got.StatusCode != http.StatusBadRequest || len(victim.jar) != 0 {
		t.Errorf("the victim arrives: %d %v", got.StatusCode, victim.jar)
	}
	if got := attacker.do(http.MethodGet, arrival, navigation...); got.StatusCode != http.StatusFound {
		t.Errorf("who began the login: %d %s", got.StatusCode, body(got))
	}
}

// What the callback route refuses of a form; the refusals without Sessions are JSON.
func TestPostedCallbackRefusals(t *testing.T) {
	f := newFlow(t, posting)
	target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
	cookie := "Cookie: " + flowCookie(t, answer)
	good := f.approve(target, "alice")
	with := func(changes url.Values) url.Values {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		for name, values := range changes {
			form[name] = values
		}
		return form
	}
	const invalid, state = "invalid_request", "The login state is not valid: begin the login again."
	post := func(form url.Values, headers ...string) *core.Response {
		return f.serve("callback", core.ParseRequest(http.MethodPost, "", "code=x&state=y", flowHeader(append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)), strings.NewReader(form.Encode())))
	}
	flowRefused(t, "no cookie", post(good), 400, invalid, state)
	flowRefused(t, "another cookie", post(good, cookie+"x"), 400, invalid, state)
	flowRefused(t, "another state", post(with(url.Values{"state": {"x"}}), cookie), 400, invalid, state)
	flowRefused(t, "nothing", post(nil, cookie), 400, invalid, "Missing code or state")
	flowRefused(t, "twice", post(with(url.Values{"code": {"a", "b"}}), cookie), 400, invalid, "Parameter code is given more than once.")
	flowRefused(t, "JSON", f.serve("callback", core.ParseRequest(http.MethodPost, "", good.Encode(), flowHeader([]string{"Content-Type: application/json", cookie}), strings.NewReader(`{}`))), 400, invalid, "The answer of the provider has to be a urlencoded form.")
	if long := post(with(url.Values{"x": {strings.Repeat("a", core.MaxForm)}}), cookie); long.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %d %s", long.Status, long.Body)
	}
	flowGranted(t, post(good, cookie, "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"))
	flowRefused(t, "again", post(good, cookie), 400, invalid, state)
	target, answer = f.login(url.Values{"redirect_uri": {flowOwnCallback}})
	good = f.approve(target, "alice")
	flowRefused(t, "another issuer", post(with(url.Values{"iss": {"https://evil.example"}}), "Cookie: "+flowCookie(t, answer)), 400, invalid, "The answer is not from the provider of this login.")
}

// The callback takes POST, and the login's cookie goes with requests of other sites, only with the setting and only for the own callback.
func TestResponseMode(t *testing.T) {
	for mode, c := range map[string]struct {
		public, cookie, asked string
		methods               int
	}{
		"":                      {"https://app.example.org", "; HttpOnly; Secure; SameSite=Lax", "", 1},
		"query":                 {"https://app.example.org", "; HttpOnly; Secure; SameSite=Lax", "", 1},
		"form_post":             {"https://app.example.org", "; HttpOnly; Secure; SameSite=None", "form_post", 2},
		"form_post on loopback": {"http://localhost:8080", "; HttpOnly; Secure; SameSite=None", "form_post", 2},
	} {
		f := flowInMemory(t, &flowMemory{}, func(config *core.Config) {
			config.PublicURL, config.ResponseMode = c.public, strings.TrimSuffix(mode, " on loopback")
		})
		target, answer := f.login(url.Values{"redirect_uri": {c.public + "/auth/v2/callback"}})
		if got := target.Query().Get("response_mode"); got != c.asked || !strings.HasSuffix(answer.Header.Get("Set-Cookie"), c.cookie) {
			t.Errorf("%s: response_mode %q, %v", mode, got, answer.Header)
		}
		if native, _ := f.login(url.Values{"redirect_uri": {flowRedirect}}); native.Query().Has("response_mode") {
			t.Errorf("%s: a native client gets %s", mode, native)
		}
		routes, err := f.auth.Routes(core.Paths{})
		if err != nil {
			t.Fatal(err)
		}
		var methods []string
		for _, route := range routes {
			if route.Name == "callback" {
				methods = append(methods, route.Method)
			}
		}
		if want := []string{"GET", "POST"}[:c.methods]; !slices.Equal(methods, want) {
			t.Errorf("%s: the callback takes %v", mode, methods)
		}
	}
}

// New refuses a ResponseMode that cannot work.
func TestResponseModeIsChecked(t *testing.T) {
	for name, c := range map[string]struct{ mode, public, says string }{
		"fragment":           {"fragment", "https://app.example.org", `core: Config.ResponseMode: "fragment": write form_post or query`},
		"JARM":               {"form_post.jwt", "https://app.example.org", "core: Config.ResponseMode: "},
		"without PublicURL":  {"form_post", "", "core: Config.PublicURL: empty: the ResponseMode form_post needs it"},
		"http in a network":  {"form_post", "http://app.example.org", "core: Config.ResponseMode: form_post with the PublicURL"},
		"https, form_post":   {"form_post", "https://app.example.org", ""},
		"loopback form_post": {"form_post", "http://127.0.0.1:8080", ""},
	} {
		config := newIDP(t).config()
		config.ResponseMode, config.PublicURL, config.AllowHTTP = c.mode, c.public, true
		if _, err := core.New(config); c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A login of a guest that was to be silent, and a form that was sent twice, lead on.
func TestPostedAnswerLeadsOn(t *testing.T) {
	w := newWeb(t, posting)
	b := w.browser()
	start := b.do(http.MethodGet, "/auth/v2/login?prompt=none&return_to=/open", navigation...)
	back, err := w.idp.Browser().Open(start.Header.Get("Location"))
	if err != nil || back == nil {
		t.Fatal(err)
	}
	if answer := b.post(back, nil); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != webURL+"/open" || len(b.jar) != 0 {
		t.Errorf("%d %v %v", answer.StatusCode, answer.Header, b.jar)
	}
	start = b.do(http.MethodGet, "/auth/v2/login?return_to=/page", navigation...)
	if back, err = w.idp.Approve(start.Header.Get("Location"), "alice"); err != nil {
		t.Fatal(err)
	}
	first := b.post(back, nil)
	b.do(http.MethodGet, strings.TrimPrefix(first.Header.Get("Location"), webURL), navigation...)
	if answer, at := b.visit(strings.TrimPrefix(b.post(back, b.jar).Header.Get("Location"), webURL), ""); at != "/page" || answer.StatusCode != http.StatusOK {
		t.Errorf("sent twice: %s %d", at, answer.StatusCode)
	}
}

// oidctest logs a browser in at such a service too.
func TestSessionOfPostedAnswers(t *testing.T) {
	w := newWeb(t, posting)
	b := w.browser()
	cookie := w.idp.Session(w.auth, "alice")
	b.jar[cookie.Name] = cookie.Value
	if text := body(b.do(http.MethodGet, "/page", script...)); !strings.HasPrefix(text, "alice ") {
		t.Error(text)
	}
}
