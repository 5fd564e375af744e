package core_test

import (
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// stepUpWeb is an application whose pages need logins of several kinds, at a provider with bronze, silver and gold.
func stepUpWeb(t *testing.T, change func(*core.Config), options ...oidctest.Option) *web {
	t.Helper()
	w := newWeb(t, change, append([]oidctest.Option{oidctest.WithACR("bronze", "silver", "gold")}, options...)...)
	w.stepUpPages()
	return w
}

func (w *web) stepUpPages() {
	who := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		token := core.IDTokenFrom(r.Context())
		acr, _ := token.Claim("acr").(string)
		_, _ = out.Write([]byte(token.Subject() + " " + acr))
	})
	for path, guard := range map[string]*core.Guard{
		"/gold":        w.auth.Required(core.ACR("gold")),
		"/platinum":    w.auth.Required(core.ACR("platinum")),
		"/recent":      w.auth.Required(core.MaxAge(time.Hour)),
		"/now":         w.auth.Required(core.MaxAge(0)),
		"/both":        w.auth.Required(core.ACR("silver", "gold"), core.MaxAge(time.Hour)),
		"/gold/maybe":  w.auth.Optional(core.ACR("gold")),
		"/gold/strict": w.auth.Optional(core.ACR("gold"), core.RejectInvalid),
		"/gold/quiet":  w.auth.Required(core.ACR("gold"), core.NoRedirect),
		"/gold/bearer": w.auth.Required(core.ACR("gold"), core.BearerOnly),
	} {
		w.mux.Handle(path, guard.Middleware(who))
	}
}

// askedBy follows a guard's redirect, and the login's, and returns what the provider is asked for.
func (b *browser) askedBy(target string) (address string, asked url.Values) {
	b.t.Helper()
	login := b.do(http.MethodGet, target, navigation...).Header.Get("Location")
	if login == "" {
		b.t.Fatalf("%s is not redirected", target)
	}
	to := b.do(http.MethodGet, strings.TrimPrefix(login, webURL), navigation...).Header.Get("Location")
	u, err := url.Parse(to)
	if err != nil || b.providerOf(to) == nil {
		b.t.Fatalf("%s leads to %s and %s: %v", target, login, to, err)
	}
	return to, u.Query()
}

// A person whose login is not enough is sent to a better one and comes back to the page; the session has a new id, and the old one ends.
func TestStepUpLogin(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := stepUpWeb(t, mode)
		b, at := w.browser(), w.idp.Browser()
		if answer, _, asked := b.through(at, "/page", "alice"); !asked || answer.StatusCode != http.StatusOK {
			t.Fatalf("the first login: %d", answer.StatusCode)
		}
		old, name, value := b.copied(w), "", ""
		name, value = b.sessionCookie()
		address, asked := b.askedBy("/gold?a=b&c=d%20e")
		if asked.Get("acr_values") != "gold" || asked.Has("max_age") || asked.Has("prompt") {
			t.Errorf("asked for %s", address)
		}
		answer, end, page := b.through(at, "/gold?a=b&c=d%20e", "alice")
		if text := body(answer); answer.StatusCode != http.StatusOK || text != "alice gold" || end != "/gold?a=b&c=d%20e" || !page {
			t.Errorf("the step-up ends at %s with %d %s, page %t", end, answer.StatusCode, text, page)
		}
		if now := b.jar[name]; now == value || now == "" {
			t.Error("the session has the id that it had before")
		}
		if got := old.do(http.MethodGet, "/page", script...); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("the old session lives: %d", got.StatusCode)
		}
		for _, path := range []string{"/gold", "/both", "/recent", "/page"} {
			if status := b.status(path); status != http.StatusOK {
				t.Errorf("%s with gold: %d", path, status)
			}
		}
		if list, err := w.auth.SessionsOf(t.Context(), w.idp.Issuer(), "alice"); err != nil || len(list) != 1 {
			t.Errorf("%d sessions, %v", len(list), err)
		}
	})
}

// A login that is too old is asked again, by max_age and for 0 by prompt=login too, and the session has the new auth_time. The refresh of a
// session in between is no login.
func TestStepUpAge(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		synctest.Test(t, func(t *testing.T) {
			w := newBubbleWeb(t, mode, oidctest.WithACR("bronze", "silver", "gold"))
			defer func() { _ = w.auth.Close() }()
			w.stepUpPages()
			w.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) {
				if answer["id_token"] != nil && w.idp.Last(oidctest.Token).Form.Get("grant_type") == "refresh_token" { // as some do
					answer["id_token"] = w.idp.IDToken("alice", oidctest.Claims{"auth_time": time.Now().Unix(), "acr": "gold"})
				}
			})
			b, at := w.browser(), w.idp.Browser()
			b.through(at, "/page", "alice")
			time.Sleep(59 * time.Minute)
			if status := b.status("/recent"); status != http.StatusOK {
				t.Errorf("after 59 minutes: %d", status)
			}
			for range 3 { // the first request refreshes the session, in the background
				time.Sleep(2 * time.Minute)
				b.status("/page")
				synctest.Wait()
			}
			if n := w.idp.Hits(oidctest.Token); n != 2 {
				t.Errorf("%d calls of the token endpoint, not a login and a refresh", n)
			}
			for _, path := range []string{"/recent", "/gold"} {
				if answer := b.do(http.MethodGet, path, script...); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s after the refresh: %d", path, answer.StatusCode)
				}
			}
			if _, asked := b.askedBy("/recent"); asked.Get("max_age") != "3600" || asked.Has("acr_values") || asked.Has("prompt") {
				t.Errorf("asked for %v", asked)
			}
			if _, asked := b.askedBy("/now"); asked.Get("max_age") != "0" || asked.Get("prompt") != "login" {
				t.Errorf("asked for %v", asked)
			}
			if _, asked := b.askedBy("/both"); asked.Get("max_age") != "3600" || asked.Get("acr_values") != "silver gold" {
				t.Errorf("asked for %v", asked)
			}
			for _, path := range []string{"/recent", "/now"} {
				answer, end, page := b.through(at, path, "alice")
				if answer.StatusCode != http.StatusOK || end != path || !page {
					t.Errorf("ends at %s with %d %s, page %t", end, answer.StatusCode, body(answer), page)
				}
				time.Sleep(31 * time.Second)
			}
			if status := b.status("/recent"); status != http.StatusOK {
				t.Errorf("after the new login: %d", status)
			}
			if answer := b.do(http.MethodGet, "/now", script...); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("31 s after the new login: %d", answer.StatusCode)
			}
		})
	})
}

// A script, a form, an HTMX request and a person where the guard does not redirect get the answers that they get without a session, with the
// address of the better login. A bearer token gets the challenge alone.
func TestStepUpAnswers(t *testing.T) {
	w := stepUpWeb(t, nil)
	b := w.browser()
	b.logIn("alice")
	const weak = `{"detail":"A stronger or more recent login is needed.","error":"insufficient_user_authentication","error_description":"A stronger or more recent login is needed."`
	challenge := stepUpChallenge(`acr_values="gold"`)
	const login = webURL + "/auth/v2/login?"
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		status       int
		want         string
		challenge    string
	}{
		"a script":        {"GET", "/gold", script, 401, weak + `,"login_url":"` + login + "step_up=", challenge},
		"a script's POST": {"POST", "/gold", script, 401, weak + `,"login_url":"` + login + "step_up=", challenge},
		"no redirect":     {"GET", "/gold/quiet", navigation, 401, weak + `,"login_url":"` + login + "step_up=", challenge},
		"a form":          {"POST", "/gold", form("same-origin"), 401, "This needs a stronger or more recent login. What you sent was not processed.", challenge},
		"strict":          {"GET", "/gold/strict", script, 401, weak, challenge},
		"a guest":         {"GET", "/gold/maybe", script, 200, " ", ""},
		"a person":        {"GET", "/gold", navigation, 302, "", ""},
	} {
		answer := b.do(c.method, c.path, c.headers...)
		if text := body(answer); answer.StatusCode != c.status || !strings.HasPrefix(text, c.want) && !strings.Contains(text, "<p>"+c.want) || answer.Header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %s %s", name, answer.StatusCode, answer.Header.Get("WWW-Authenticate"), text)
		}
	}
	htmx := b.do("GET", "/gold", append([]string{"HX-Request: true", "HX-Current-URL: " + webURL + "/list?a=b"}, script...)...)
	if to := htmx.Header.Get("HX-Redirect"); !strings.HasPrefix(to, login+"return_to=%2Flist%3Fa%3Db&step_up=") || htmx.StatusCode != http.StatusUnauthorized {
		t.Errorf("HTMX: %d %s", htmx.StatusCode, to)
	}
	page := body(b.do("POST", "/gold", append([]string{"Referer: " + webURL + "/form?a=b"}, form("same-origin")...)...))
	if !strings.Contains(html.UnescapeString(page), `href="`+login+`return_to=%2Fform%3Fa%3Db&step_up=`) {
		t.Errorf("the form leads back to %s", page)
	}
	for _, path := range []string{"/gold", "/gold/bearer"} { // whoever sends one, however it is sent
		answer := w.browser().do("GET", path, append([]string{"Authorization: " + w.idp.Bearer("bob")}, script...)...)
		if text := body(answer); answer.StatusCode != http.StatusUnauthorized || text != weak+"}" || answer.Header.Get("WWW-Authenticate") != challenge {
			t.Errorf("a bearer token at %s: %d %s", path, answer.StatusCode, text)
		}
	}
	if answer := w.browser().do("GET", "/gold", navigation...); answer.Header.Get("Location") != login+"return_to=%2Fgold" {
		t.Errorf("without a session: %s", answer.Header.Get("Location"))
	}
}

// What the provider did not confirm ends in a page that says so, and never in a redirect to the provider; the session that the person has
// stays, and the tokens of the useless login are revoked.
func TestStepUpNotDelivered(t *testing.T) {
	for name, c := range map[string]struct {
		options []oidctest.Option
		tamper  func(oidctest.Claims)
		path    string
	}{
		"another acr":          {nil, nil, "/platinum"},
		"ignored acr_values":   {[]oidctest.Option{oidctest.WithoutStepUp()}, nil, "/gold"},
		"an error":             {[]oidctest.Option{oidctest.WithStrictACR()}, nil, "/platinum"},
		"no acr":               {nil, func(claims oidctest.Claims) { claims["acr"] = nil }, "/gold"},
		"acr a list":           {nil, func(claims oidctest.Claims) { claims["acr"] = []string{"gold"} }, "/gold"},
		"no auth_time":         {nil, func(claims oidctest.Claims) { claims["auth_time"] = nil }, "/now"},
		"auth_time a text":     {nil, func(claims oidctest.Claims) { claims["auth_time"] = "1" }, "/now"},
		"auth_time too old":    {nil, func(claims oidctest.Claims) { claims["auth_time"] = time.Now().Add(-time.Minute).Unix() }, "/now"},
		"auth_time ahead":      {nil, func(claims oidctest.Claims) { claims["auth_time"] = time.Now().Add(time.Hour).Unix() }, "/now"},
		"auth_time 1e300":      {nil, func(claims oidctest.Claims) { claims["auth_time"] = 1e300 }, "/now"},
		"both, one is missing": {nil, func(claims oidctest.Claims) { claims["acr"] = "bronze" }, "/both"},
	} {
		t.Run(name, func(t *testing.T) {
			w := stepUpWeb(t, nil, c.options...)
			b := w.browser()
			if c.path == "/now" { // the first login is too old
				w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["auth_time"] = time.Now().Add(-time.Minute).Unix() })
			}
			b.logIn("alice")
			w.idp.Tamper(oidctest.IDTokens, c.tamper)
			_, before := b.sessionCookie()
			revoked := w.idp.Hits(oidctest.Revocation)
			answer, end := b.visit(c.path, "alice")
			text := body(answer)
			if answer.StatusCode != http.StatusForbidden || !strings.HasPrefix(end, "/auth/v2/callback?") || !strings.Contains(text, "<h1>Another login is needed</h1>") ||
				!strings.Contains(text, `href="`+webURL+c.path+`">Try again</a>`) || answer.Header.Get("Location") != "" {
				t.Errorf("ends at %s with %d %s", end, answer.StatusCode, text)
			}
			if _, after := b.sessionCookie(); after != before || b.status("/page") != http.StatusOK {
				t.Error("the session that the browser had is gone")
			}
			if list, err := w.auth.SessionsOf(t.Context(), w.idp.Issuer(), "alice"); err != nil || len(list) != 1 {
				t.Errorf("%d sessions, %v", len(list), err)
			}
			if name != "an error" && w.idp.Hits(oidctest.Revocation) == revoked {
				t.Error("the refresh token of the useless login was not revoked")
			}
			script := b.do(http.MethodGet, b.back(c.path, "alice"), script...)
			if text := body(script); script.StatusCode != http.StatusForbidden || text != `{"detail":"The provider did not confirm the login that is needed.","error":"unmet_authentication_requirements","error_description":"The provider did not confirm the login that is needed."}` {
				t.Errorf("as JSON: %d %s", script.StatusCode, text)
			}
		})
	}
}

// back begins the login that a page needs, lets the provider answer it, and returns the target of the callback.
func (b *browser) back(path, user string) string {
	b.t.Helper()
	to, _ := b.askedBy(path)
	back, err := b.providerOf(to).Approve(to, user)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimPrefix(back.String(), webURL)
}

// A page that a login never satisfies does not redirect for ever: the browser's logins are counted, whatever they were for.
func TestStepUpLoop(t *testing.T) {
	w := stepUpWeb(t, nil)
	b := w.browser()
	b.logIn("alice")
	w.mux.Handle("/broken", w.auth.Required(core.AnyOf(core.ACR("gold"), core.Roles("x")), core.AnyOf(core.ACR("silver"), core.Roles("x"))).Middleware(http.NotFoundHandler()))
	if answer := b.do(http.MethodGet, "/broken", navigation...); answer.StatusCode != http.StatusForbidden {
		t.Errorf("no login meets both: %d", answer.StatusCode)
	}
	for range 4 { // each step-up loses what the other brought
		for _, path := range []string{"/gold", "/silver"} {
			w.mux = http.NewServeMux()
			w.remount(map[string]*core.Guard{path: w.auth.Required(core.ACR(path[1:]))})
			if answer, _ := b.visit(path, "alice"); answer.StatusCode == http.StatusTooManyRequests {
				return
			}
		}
	}
	t.Error("eight logins within a minute")
}

func (w *web) remount(pages map[string]*core.Guard) {
	w.t.Helper()
	routes, err := w.auth.Routes(core.Paths{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, route := range routes {
		w.mux.Handle(route.Method+" "+route.Path, route)
	}
	for path, guard := range pages {
		w.mux.Handle(path, guard.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
}

// A link cannot ask for more than AllowAuthParams permits: the demand is sealed by this service, and replaces what the query says.
func TestStepUpLinks(t *testing.T) {
	w := stepUpWeb(t, func(c *core.Config) { c.AllowAuthParams = []string{"acr_values", "max_age"} })
	b := w.browser()
	b.logIn("alice")
	login := strings.TrimPrefix(b.do(http.MethodGet, "/both", navigation...).Header.Get("Location"), webURL)
	u, err := url.Parse(login)
	if err != nil || !u.Query().Has("step_up") {
		t.Fatalf("%s: %v", login, err)
	}
	sealed := u.Query().Get("step_up")
	other := stepUpWeb(t, nil).browser() // with other secrets
	other.logIn("alice")
	strange, _ := url.Parse(other.do(http.MethodGet, "/both", navigation...).Header.Get("Location"))
	state, _ := url.Parse(b.do(http.MethodGet, "/auth/v2/login", navigation...).Header.Get("Location"))
	for name, query := range map[string]string{
		"nonsense":           "step_up=gold",
		"cut off":            "step_up=" + sealed[:len(sealed)-2],
		"longer":             "step_up=" + sealed + "AA",
		"of another service": "step_up=" + strange.Query().Get("step_up"),
		"a state":            "step_up=" + url.QueryEscape(state.Query().Get("state")),
		"twice":              "step_up=" + sealed + "&step_up=" + sealed,
		"another provider":   "provider=x&step_up=" + sealed,
		"a program's login":  "redirect_uri=" + url.QueryEscape(flowRedirect) + "&step_up=" + sealed,
	} {
		if answer := b.do(http.MethodGet, "/auth/v2/login?"+query, script...); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body(answer))
		}
	}
	asks := func(query string) url.Values {
		t.Helper()
		to, err := url.Parse(b.do(http.MethodGet, "/auth/v2/login?"+query, navigation...).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return to.Query()
	}
	if got := asks("step_up=" + sealed + "&acr_values=bronze&max_age=99999&prompt=none"); got.Get("acr_values") != "silver gold" || got.Get("max_age") != "3600" || got.Has("prompt") {
		t.Errorf("a link weakens the login: %v", got)
	}
	if got := asks("acr_values=bronze&max_age=5"); got.Get("acr_values") != "bronze" || got.Get("max_age") != "5" {
		t.Errorf("AllowAuthParams does not count: %v", got)
	}
	// The state of the login is what the callback believes: a browser that changes the request at the provider gains nothing.
	to, _ := b.askedBy("/gold")
	weaker := strings.Replace(to, "acr_values=gold", "acr_values=bronze", 1)
	back, err := w.idp.Approve(weaker, "alice")
	if err != nil || weaker == to {
		t.Fatalf("%s: %v", weaker, err)
	}
	if answer := b.do(http.MethodGet, strings.TrimPrefix(back.String(), webURL), navigation...); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a weaker request: %d", answer.StatusCode)
	}
}

// With several providers the step-up goes to the provider of the session, without the chooser.
func TestStepUpProvider(t *testing.T) {
	w, other := newWebs(t, nil, oidctest.WithACR("bronze", "gold"))
	w.stepUpPages()
	for _, idp := range []*oidctest.Provider{w.idp, other} {
		b := w.browser()
		choices := body(b.do(http.MethodGet, "/auth/v2/login?return_to=/page", navigation...))
		name := second
		if idp == w.idp {
			name = "first"
		}
		b.visit(strings.TrimPrefix(chosen(t, choices, name), webURL), "alice")
		to, asked := b.askedBy("/gold")
		if !strings.HasPrefix(to, idp.Issuer()) || asked.Get("acr_values") != "gold" {
			t.Errorf("a session of %s is sent to %s", name, to)
		}
		if answer, end := b.visit("/gold", "alice"); answer.StatusCode != http.StatusOK || end != "/gold" {
			t.Errorf("%s ends at %s with %d", name, end, answer.StatusCode)
		}
	}
}

// In Config.Require it applies to every login, which asks for it from the start; a login without it does not begin a session.
func TestStepUpOfEveryLogin(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		require := func(c *core.Config) {
			mode(c)
			c.Require = []core.Requirement{core.ACR("gold")}
			c.RedirectURIs = []string{core.Loopback}
		}
		w := stepUpWeb(t, require)
		b := w.browser()
		if answer, end := b.visit("/page", "alice"); answer.StatusCode != http.StatusOK || end != "/page" {
			t.Errorf("ends at %s with %d %s", end, answer.StatusCode, body(answer))
		}
		program, _ := url.Parse(b.do(http.MethodGet, "/auth/v2/login?redirect_uri="+url.QueryEscape(flowRedirect)).Header.Get("Location"))
		if program.Query().Get("acr_values") != "gold" {
			t.Errorf("a program's login asks for %v", program)
		}
		weak := stepUpWeb(t, require, oidctest.WithoutStepUp())
		other := weak.browser()
		if answer, end := other.visit("/page", "alice"); answer.StatusCode != http.StatusForbidden || !strings.HasPrefix(end, "/auth/v2/callback?") {
			t.Errorf("a weak login ends at %s with %d", end, answer.StatusCode)
		}
		if _, value := other.sessionCookie(); value != "" {
			t.Error("a weak login has a session")
		}
		silent, end, _ := other.through(weak.idp.Browser(), "/auth/v2/login?prompt=none&return_to=/open", "")
		if silent.StatusCode != http.StatusOK || end != "/open" {
			t.Errorf("a silent login ends at %s with %d", end, silent.StatusCode)
		}
	})
}

// With form_post, too, a step-up ends the old session, and what is not delivered ends in the page.
func TestStepUpPosted(t *testing.T) {
	w := stepUpWeb(t, func(c *core.Config) { c.ResponseMode = "form_post" })
	b := w.browser()
	post := func(path string) *http.Response {
		t.Helper()
		to, _ := b.askedBy(path)
		back, err := w.idp.Approve(to, "alice")
		if err != nil {
			t.Fatal(err)
		}
		answer := b.do(http.MethodPost, back.Path, append([]string{"Form: " + back.RawQuery}, form("cross-site")...)...)
		if answer.StatusCode != http.StatusSeeOther {
			return answer
		}
		return b.do(http.MethodGet, strings.TrimPrefix(answer.Header.Get("Location"), webURL), navigation...)
	}
	post("/page")
	old := b.copied(w)
	if answer := post("/gold"); answer.Header.Get("Location") != webURL+"/gold" || b.status("/gold") != http.StatusOK {
		t.Errorf("got %d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	if got := old.do(http.MethodGet, "/page", script...); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old session lives: %d", got.StatusCode)
	}
	if answer := post("/platinum"); answer.StatusCode != http.StatusForbidden || !strings.Contains(body(answer), "<h1>Another login is needed</h1>") {
		t.Errorf("not delivered: %d", answer.StatusCode)
	}
}

// The longest values and the longest way back fit into the request line of the callback.
func TestStepUpLength(t *testing.T) {
	w := newWeb(t, nil)
	b := w.browser()
	b.logIn("alice")
	const path = "/long"
	w.mux.Handle(path, w.auth.Required(core.ACR(strings.Repeat("x", 512)), core.MaxAge(1<<63-1)).Middleware(http.NotFoundHandler()))
	_, asked := b.askedBy(path + "?" + strings.Repeat("a", 1<<10-len(path)-1))
	line := "GET /auth/v2/callback?" + url.Values{"state": {asked.Get("state")}, "code": {strings.Repeat("c", 1200)}, "iss": {w.idp.Issuer()}}.Encode() + " HTTP/1.1"
	if len(line) > 4<<10 {
		t.Errorf("the request line has %d bytes", len(line))
	}
}

// The debug line of a login that is not enough says what was wanted, and nothing of the token.
func TestStepUpLoginIsLogged(t *testing.T) {
	var logs lockedBuffer
	w := stepUpWeb(t, func(c *core.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := w.browser()
	b.logIn("alice")
	b.visit("/platinum", "alice")
	if text := logs.String(); !strings.Contains(text, `msg="a login is not what was asked for" want_acr=[platinum]`) || strings.Contains(text, "bronze") {
		t.Errorf("got %s", text)
	}
}
