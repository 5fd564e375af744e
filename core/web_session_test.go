package core_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// New lists every wrong setting of sessions.
func TestSessionConfigFaults(t *testing.T) {
	idp := newIDP(t)
	for field, change := range map[string]func(*core.Config){
		"PublicURL":               func(c *core.Config) { c.PublicURL = "" },
		"Sessions.CookieName":     func(c *core.Config) { c.Sessions.CookieName = "my session" },
		"Sessions.Home":           func(c *core.Config) { c.Sessions.Home = "//evil.example" },
		"Sessions.StrippedPrefix": func(c *core.Config) { c.Sessions.StrippedPrefix = "api/" },
		"Sessions.PerUser":        func(c *core.Config) { c.Sessions.PerUser = -1 },
		"Sessions.TrustedOrigins": func(c *core.Config) { c.Sessions.TrustedOrigins = []string{"https://shop.example.org/"} },
		"Sessions.Lifetime":       func(c *core.Config) { c.Sessions.Lifetime = -time.Hour },
		"Sessions.IdleTimeout":    func(c *core.Config) { c.Sessions.Lifetime, c.Sessions.IdleTimeout = time.Hour, 2*time.Hour },
		"Sessions.RefreshAfter":   func(c *core.Config) { c.Sessions.RefreshAfter = -1 },
	} {
		cfg := idp.config()
		cfg.PublicURL, cfg.Sessions, cfg.Store = webURL, &core.SessionConfig{}, store.NewMemory()
		change(&cfg)
		auth, err := core.New(cfg)
		if err == nil {
			_ = auth.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "core: Config."+field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// The store holds neither the secret of a cookie nor a token, at a login and after a refresh.
func TestSessionRowsHoldNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []store.Session
		b := staleWeb(t, func(c *core.Config) {
			c.Store = &spyStore{Store: store.NewMemory(), see: func(row store.Session) { rows = append(rows, row) }}
		})
		b.asks(http.StatusOK)
		_, cookie := b.sessionCookie()
		if len(rows) < 2 || len(cookie) != 64 {
			t.Fatalf("%d writes, cookie %q", len(rows), cookie)
		}
		for _, row := range rows {
			text := strings.Join([]string{row.ID, row.Kind, row.Subject, string(row.Owner), string(row.ProviderSession), string(row.Data), string(row.Answer), string(row.Note), string(row.Current), string(row.Last)}, " ")
			for _, secret := range []string{cookie, cookie[22:], cookie[43:], "eyJhbGci", "eyJ0eXAi", "eyJraWQi", "alice@example.org", "refresh"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in %q", secret, text)
				}
			}
		}
		_ = b.auth.Close()
	})
}

// changedStore changes the sessions that are read.
type changedStore struct {
	store.Store
	change func(*store.Session)
}

func (s *changedStore) Session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	session, err := s.Store.Session(ctx, id, now)
	if err == nil {
		s.change(&session)
	}
	return session, err
}

// A row that this release cannot read, of a later one or damaged, is no session: the person logs in again. It is no outage and no panic.
func TestRowsOfAnotherRelease(t *testing.T) {
	w := newWeb(t, nil)
	b, other := w.browser(), w.browser()
	b.logIn("alice")
	other.logIn("bob")
	bobs, err := w.cfg.Store.Session(t.Context(), strings.TrimPrefix(body(other.do(http.MethodGet, "/page", script...)), "bob "), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*store.Session){
		"no data":         func(s *store.Session) { s.Data = nil },
		"other data":      func(s *store.Session) { s.Data = []byte("another format") },
		"a newer format":  func(s *store.Session) { s.Data = append([]byte{s.Data[0] + 1}, s.Data[1:]...) },
		"cut off":         func(s *store.Session) { s.Data = s.Data[:len(s.Data)/2] },
		"of another row":  func(s *store.Session) { s.Data = bobs.Data },
		"another kind":    func(s *store.Session) { s.Kind = "later" },
		"a token's":       func(s *store.Session) { s.Kind = store.KindToken },
		"another secret":  func(s *store.Session) { s.Current = make([]byte, len(s.Current)) },
		"without secrets": func(s *store.Session) { s.Current = nil },
	} {
		t.Run(what, func(t *testing.T) {
			after := &web{t: t, idp: w.idp, cfg: w.cfg}
			after.cfg.Store = &changedStore{w.cfg.Store, change}
			after.serve()
			there := &browser{web: after, jar: b.jar}
			if status := there.status("/page"); status != http.StatusUnauthorized {
				t.Errorf("a script: %d", status)
			}
			if answer := there.do(http.MethodGet, "/page", navigation...); answer.StatusCode != http.StatusFound || !strings.Contains(answer.Header.Get("Location"), "/auth/v2/login") {
				t.Errorf("a person: %d", answer.StatusCode)
			}
			if status := b.status("/page"); status != http.StatusOK {
				t.Errorf("where it can be read: %d", status)
			}
		})
	}
}

// A person may have so many sessions: one more ends the oldest, and nobody else's.
func TestPerUser(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		synctest.Test(t, func(t *testing.T) {
			w := newBubbleWeb(t, func(c *core.Config) {
				mode(c)
				c.Sessions.PerUser = 2
			})
			bobs := w.browser()
			bobs.logIn("bob")
			var alices []*browser
			for i, want := range [][]int{{200}, {200, 200}, {401, 200, 200}, {401, 401, 200, 200}} {
				time.Sleep(time.Second)
				b := w.browser()
				b.logIn("alice")
				alices = append(alices, b)
				for j, b := range alices {
					if status := b.status("/page"); status != want[j] {
						t.Errorf("after login %d, session %d: %d, want %d", i+1, j+1, status, want[j])
					}
				}
			}
			if status := bobs.status("/page"); status != 200 {
				t.Errorf("bob: %d", status)
			}
			_ = w.auth.Close()
		})
	})
}

// A person whose form comes without a session gets back to the page with the form, if that is one of this origin; never to what the form
// posts to.
func TestWayBackOfForms(t *testing.T) {
	w := newWeb(t, nil)
	for referer, want := range map[string]string{
		webURL + "/basket?item=1":       webURL + "/auth/v2/login?return_to=%2Fbasket%3Fitem%3D1",
		"https://evil.example/basket":   webURL + "/auth/v2/login",
		webURL + ".evil.example/basket": webURL + "/auth/v2/login",
		webURL + "//evil.example":       webURL + "/auth/v2/login",
		"":                              webURL + "/auth/v2/login",
	} {
		headers := form("same-origin")
		if referer != "" {
			headers = append(headers, "Referer: "+referer)
		}
		answer := w.browser().do(http.MethodPost, "/page", headers...)
		if text := body(answer); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, `href="`+want+`">Log in</a>`) {
			t.Errorf("%s: %d %s", referer, answer.StatusCode, text)
		}
	}
}

// No page of the library's shows a text of the provider or of the request.
func TestPagesShowNoForeignText(t *testing.T) {
	w := newWeb(t, nil)
	const evil = "<script>alert(1)</script>call 555-0199"
	b := w.browser()
	start := b.do(http.MethodGet, "/auth/v2/login", navigation...)
	sent, err := url.Parse(start.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []url.Values{
		{"error": {"access_denied"}, "error_description": {evil}, "error_uri": {evil}, "state": {sent.Query().Get("state")}, "iss": {w.idp.Issuer()}},
		{"error": {evil}, "error_description": {evil}, "state": {evil}},
		{"code": {evil}, "state": {evil}, "iss": {evil}},
		{"state": {evil, evil}},
	} {
		for _, headers := range [][]string{navigation, script} {
			if text := body(b.do(http.MethodGet, "/auth/v2/callback?"+query.Encode(), headers...)); strings.Contains(text, "555-0199") || strings.Contains(text, "alert") {
				t.Errorf("%v: %s", query, text)
			}
		}
	}
}

// A logout long after the login has the hint that the provider wants, although the ID token has expired.
func TestLogoutWithExpiredHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, func(c *core.Config) { c.Sessions.RefreshAfter = 24 * time.Hour })
		w.idp.AddClient(oidctest.Client{
			ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{webURL + "/auth/v2/callback"}, PostLogoutURIs: []string{webURL + "/auth/v2/logout"},
		})
		b, at := w.browser(), w.idp.Browser()
		b.through(at, "/page", "alice")
		time.Sleep(3 * time.Hour)
		out := b.do(http.MethodPost, "/auth/v2/logout", form("same-origin")...)
		location, err := url.Parse(out.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		claims := payloadOf(t, location.Query().Get("id_token_hint"))
		if exp, _ := claims["exp"].(float64); exp == 0 || int64(exp) > time.Now().Unix() {
			t.Errorf("the hint expires at %v", claims["exp"])
		}
		if back, err := at.Open(location.String()); err != nil || back == nil || !strings.HasPrefix(back.String(), webURL+"/auth/v2/logout?state=") {
			t.Errorf("the provider leads to %v, %v", back, err)
		}
		if back, err := at.Open(asksSilently(w.idp)); err != nil || back.Query().Get("error") != "login_required" {
			t.Errorf("the session at the provider lives on: %v, %v", back, err)
		}
		_ = w.auth.Close()
	})
}

// asksSilently is an authorization request that shows nothing.
func asksSilently(p *oidctest.Provider) string {
	return p.URL(oidctest.Authorization) + "?" + url.Values{
		"client_id": {oidctest.ConfidentialClient}, "redirect_uri": {webURL + "/auth/v2/callback"}, "response_type": {"code"}, "prompt": {"none"},
	}.Encode()
}

// A page cannot begin a login unseen, as an image or in a frame.
func TestLoginIsAPageOfItsOwn(t *testing.T) {
	w := newWeb(t, nil)
	for _, dest := range []string{"iframe", "frame", "image", "script", "embed", "object", "style"} {
		b := w.browser()
		if answer := b.do(http.MethodGet, "/auth/v2/login", "Sec-Fetch-Dest: "+dest, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site"); answer.StatusCode != http.StatusForbidden || len(b.jar) != 0 {
			t.Errorf("%s: %d, cookies %v", dest, answer.StatusCode, b.jar)
		}
	}
	for _, headers := range [][]string{navigation, script, nil} {
		if answer := w.browser().do(http.MethodGet, "/auth/v2/login", headers...); answer.StatusCode != http.StatusFound {
			t.Errorf("%v: %d", headers, answer.StatusCode)
		}
	}
}
