package contract

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const aliceSession = `{"email":"alice@example.org","expires":…,"idle_expires":…,"logout_url":"` + publicURL + `/auth/v2/logout","name":"Alice Adams","preferred_username":"alice","sub":"alice"}`

// testSessionRoute: a script of the application learns who is logged in, and no token.
func testSessionRoute(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	for _, headers := range [][]string{scripted, nil, {w.bearer("alice")}} {
		b.do(http.MethodGet, session, headers...).is(notLoggedIn())
	}
	b.logIn("alice")
	for _, query := range []string{"", "?slide=false", "?slide=true", "?slide=", "?other=x"} {
		b.do(http.MethodGet, session+query, scripted...).is(jsonWith(http.StatusOK, aliceSession, "Vary: Cookie"))
	}
	b.do(http.MethodGet, session+"?slide=false&slide=false", scripted...).is(invalid("Parameter slide is given more than once."))
	var shown struct {
		Expires int64 `json:"expires"`
		Idle    int64 `json:"idle_expires"`
	}
	if err := json.Unmarshal([]byte(b.do(http.MethodGet, session, scripted...).body), &shown); err != nil {
		t.Fatal(err)
	}
	isAbout := func(at int64, life time.Duration) bool {
		return time.Until(time.Unix(at, 0).Add(-life)).Abs() < time.Minute
	}
	if !isAbout(shown.Expires, 7*24*time.Hour) || !isAbout(shown.Idle, 12*time.Hour) {
		t.Errorf("the session ends at %d, and idle at %d", shown.Expires, shown.Idle)
	}
	t.Run("claims", func(t *testing.T) {
		b := a.openWeb(t, plan{config: func(cfg *core.Config) {
			cfg.Sessions.Claims = []string{"groups", "no_such_claim", "sub", "realm_access"}
		}}).browser()
		b.logIn("alice")
		b.do(http.MethodGet, session, scripted...).is(jsonWith(http.StatusOK, `{"email":"alice@example.org","expires":…,"groups":["/staff/dev"],"idle_expires":…,"logout_url":"`+publicURL+
			`/auth/v2/logout","name":"Alice Adams","preferred_username":"alice","realm_access":{"roles":["admin","user"]},"sub":"alice"}`, "Vary: Cookie"))
	})
	t.Run("idle", func(t *testing.T) { idle(t, a) })
}

// idle: requests keep a session alive, and a script that asks with slide=false does not. A machine that is too slow to send them in
// time gets more of it.
func idle(t *testing.T, a setup) {
	timeout := time.Second
	for !idleAfter(t, a, timeout) {
		if timeout *= 3; timeout > patience {
			t.Fatal("the requests take too long")
		}
	}
}

// idleAfter reports whether the busy session's requests came in time: it may end otherwise.
func idleAfter(t *testing.T, a setup, timeout time.Duration) (inTime bool) {
	w := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.Sessions.IdleTimeout = timeout }})
	busy, watched := w.browser(), w.browser()
	last := time.Now()
	id := busy.logIn("alice")
	watched.logIn("bob")
	uses := func() bool {
		before := last
		last = time.Now()
		got := busy.do(http.MethodGet, page, scripted...)
		if time.Since(before) > timeout/2 {
			return false
		}
		got.is(seenBy("alice", id))
		return true
	}
	for start := time.Now(); watched.do(http.MethodGet, session+"?slide=false", scripted...).status != http.StatusUnauthorized; {
		if !uses() {
			return false
		}
		if time.Since(start) > patience+timeout {
			t.Fatal("a session without requests does not end")
		}
	}
	watched.do(http.MethodGet, page, scripted...).is(sessionOver())
	return uses()
}

// listed is an entry of the sessions route.
type listed struct {
	ID, Agent              string
	Started, Seen, Expires int64
	Current                bool
}

func (b *browser) list() []listed {
	b.t.Helper()
	var shown struct{ Sessions []listed }
	got := b.do(http.MethodGet, sessions, scripted...)
	if err := json.Unmarshal([]byte(got.body), &shown); err != nil || got.status != http.StatusOK {
		b.t.Fatalf("no list: %s", got.text())
	}
	return shown.Sessions
}

// testSessionsRoute: people see their own sessions, and end them.
func testSessionsRoute(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	mine := w.browser()
	for _, headers := range [][]string{scripted, nil, {w.bearer("alice")}} {
		mine.do(http.MethodGet, sessions, headers...).is(notLoggedIn())
		mine.do(http.MethodDelete, sessions+"?all=true", headers...).is(notLoggedIn())
	}
	mine.do(http.MethodGet, mine.setOut("alice"), append(slices.Clone(linked), "User-Agent: One/1.0 (X11; \"Linux\")")...).is(landed("/"))
	id := sessionIn(mine.do(http.MethodGet, page, scripted...))
	mine.do(http.MethodGet, sessions, scripted...).is(jsonWith(http.StatusOK,
		`{"sessions":[{"id":"`+id+`","started":…,"seen":…,"expires":…,"agent":"One/1.0 (X11; \"Linux\")","current":true}]}`, "Vary: Cookie"))

	other, third, bobs := w.browser(), w.browser(), w.browser()
	ids := []string{id, other.logIn("alice"), third.logIn("alice")}
	bob := bobs.logIn("bob")
	list := mine.list()
	for _, entry := range list {
		if !slices.Contains(ids, entry.ID) || entry.Current != (entry.ID == id) || entry.Started == 0 || entry.Seen < entry.Started || entry.Expires < entry.Started+604000 {
			t.Errorf("the list has %+v", entry)
		}
	}
	if len(list) != 3 || len(bobs.list()) != 1 {
		t.Errorf("%d sessions are listed", len(list))
	}

	none := refused(http.StatusNotFound, "invalid_request", "There is no such session.")
	for _, unknown := range []string{bob, "x", id + "x", "all." + id} {
		mine.do(http.MethodDelete, sessions+"?id="+unknown, scripted...).is(none)
	}
	one := invalid("Exactly one of id, others=true and all=true is needed.")
	for _, query := range []string{"", "?id=", "?others=false", "?all=1", "?id=" + id + "&all=true", "?others=true&all=true"} {
		mine.do(http.MethodDelete, sessions+query, scripted...).is(one)
	}
	bobs.do(http.MethodGet, page, scripted...).is(seenBy("bob", bob))

	done := func(headers ...string) string {
		return whole(http.StatusNoContent, "", append(headers, "Cache-Control: no-store", "Pragma: no-cache")...)
	}
	mine.do(http.MethodDelete, sessions+"?id="+ids[1], scripted...).is(done())
	other.copied().do(http.MethodGet, page, scripted...).is(sessionOver())
	third.do(http.MethodDelete, sessions+"?others=true", submitted[2:]...).is(done())
	mine.do(http.MethodGet, page, scripted...).is(sessionOver())
	third.do(http.MethodDelete, sessions+"?id="+ids[2], scripted...).is(done(noSession))
	if third.session() != "" {
		t.Error("the cookie is still there")
	}
	bobs.do(http.MethodGet, page, scripted...).is(seenBy("bob", bob))
	t.Run("all", func(t *testing.T) { endAll(t, w.in(t), done(noSession)) })
}

// endAll: log out everywhere, which ends own tokens too.
func endAll(t *testing.T, w *web, done string) {
	first, second, bobs := w.browser(), w.browser(), w.browser()
	first.logIn("alice")
	second.logIn("alice")
	bob := bobs.logIn("bob")
	tokens, bobsTokens := w.tokens(w.codeForm("alice")), w.tokens(w.codeForm("bob"))
	copied := first.copied()
	first.do(http.MethodDelete, sessions+"?all=true", scripted...).is(done)
	for _, b := range []*browser{copied, second} {
		b.do(http.MethodGet, page, scripted...).is(sessionOver())
	}
	if w.jwks != "" {
		w.gone(tokens)
	}
	w.get("/me", "Authorization: Bearer "+bobsTokens.AccessToken).is(seen("bob", 2))
	bobs.do(http.MethodGet, page, scripted...).is(seenBy("bob", bob))
	first.logIn("alice") // a new login is not ended by it
}
