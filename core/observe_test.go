package core_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// tally counts events.
type tally struct {
	mu   sync.Mutex
	seen map[core.Event]int
}

func (c *tally) count(e core.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[core.Event]int{}
	}
	c.seen[e]++
}

// want compares the events of one kind since the last call with the expected ones: "ok" is an event without a part, "keys ok" one
// with a part.
func (c *tally) want(t *testing.T, when, kind string, want map[string]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	got := map[string]int{}
	for e, n := range c.seen {
		if !slices.Contains(core.Events(), e) {
			t.Errorf("%s: %v is not in Events", when, e)
		}
		if e.Kind == kind {
			name := e.Outcome
			if e.Part != "" {
				name = e.Part + " " + e.Outcome
			}
			got[name] = n
			delete(c.seen, e)
		}
	}
	if toJSON(got) != toJSON(want) {
		t.Errorf("%s: %s events %v, want %v", when, kind, got, want)
	}
}

func (c *tally) hook(config *core.Config) { config.Observe = core.ObserveFunc(c.count) }

// Events returns every event once, in a new list for each caller.
func TestEvents(t *testing.T) {
	all := core.Events()
	seen := map[core.Event]bool{}
	for _, e := range all {
		if seen[e] || e.Kind == "" || e.Outcome == "" {
			t.Errorf("%v", e)
		}
		seen[e] = true
	}
	if all[0] = (core.Event{}); core.Events()[0] == all[0] {
		t.Error("a caller changed the list of all")
	}
}

// Each fetch is one event; a request that the cache serves is none.
func TestObserveFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, c := newIDP(t), &tally{}
		guard := idp.auth(c.hook).Required()
		for range 100 {
			mustAdmit(t, guard, idp.token())
		}
		c.want(t, "100 requests", "fetch", map[string]int{"discovery ok": 1, "keys ok": 1})
		for name, f := range map[string]fault{"unreachable": hang, "unusable": faults["truncated"]} {
			idp.breaks(f, oidctest.JWKS)
			time.Sleep(coolDown + time.Second)
			for range 100 {
				wantStatus(t, guard, idp.tokenOf("stranger"), http.StatusServiceUnavailable)
			}
			c.want(t, name, "fetch", map[string]int{"keys " + name: 1})
			idp.Heal(oidctest.JWKS)
			time.Sleep(coolDown + time.Second)
			c.want(t, "afterwards", "fetch", map[string]int{"keys ok": 1})
		}
	})
}

func TestObserveFetchesInBrokerMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, c := newOutageNet(t), &tally{}
		s := n.serve(true, c.hook)
		s.warm()
		c.want(t, "at the start", "fetch", map[string]int{"discovery ok": 1, "keys ok": 1, "trusted_keys ok": 1, "signing_keys ok": 1, "revocations ok": 1})
		n.fails("store", refuse)
		time.Sleep(61 * time.Second)
		c.want(t, "the store is down", "fetch", map[string]int{"signing_keys unreachable": 1, "revocations unreachable": 30})
	})
}

// Events never contain text of a client or the provider.
func TestEventsHaveFixedWords(t *testing.T) {
	for name, f := range faults {
		synctest.Test(t, func(t *testing.T) {
			idp, c := newIDP(t), &tally{}
			idp.breaks(f, oidctest.Discovery, oidctest.JWKS)
			_, _ = decide(context.Background(), idp.auth(c.hook).Required(), []string{"Bearer " + idp.token()})
			for e := range c.seen {
				if !slices.Contains(core.Events(), e) {
					t.Errorf("%s: %v", name, e)
				}
			}
		})
	}
}

// Every request at a guard is one event, also at an optional guard.
func TestObserveVerifications(t *testing.T) {
	idp, c := newIDP(t), &tally{}
	auth := idp.auth(c.hook)
	optional, required := auth.Optional(), auth.Required()
	ctx := t.Context()
	header := func(token string) []string { return []string{"Bearer " + token} }
	good := idp.token()
	forged := good[:len(good)-8] + "AAAAAAAA"
	for outcome, authorization := range map[string][]string{
		"no_token": nil, "bad_request": {"Bearer a", "Bearer b"}, "malformed": header("x.y"), "bad_signature": header(forged),
		"unknown_key": header(idp.tokenOf("stranger")), "issuer": header(idp.token(claims{"iss": "https://evil.example"})),
		"audience": header(idp.token(claims{"aud": "somebody-else"})), "wrong_kind": header(idp.token(claims{"nonce": "n", "typ": "ID"})),
		"expired": header(idp.token(claims{"exp": time.Now().Unix() - 600})), "not_yet_valid": header(idp.token(claims{"nbf": time.Now().Unix() + 600})),
		"bad_claims": header(idp.token(claims{"exp": "soon"})), "ok": header(idp.token(claims{"jti": "1"})),
	} {
		_, _ = decide(ctx, required, authorization)
		c.want(t, outcome, "verification", map[string]int{outcome: 1})
	}
	mustAdmit(t, required, good)
	c.want(t, "first", "verification", map[string]int{"ok": 1})
	for range 10 {
		mustAdmit(t, required, good)
	}
	c.want(t, "remembered", "verification", map[string]int{"cached": 10})
	_, _ = decide(ctx, auth.Required(core.Scopes("admin")), header(good))
	c.want(t, "no scope", "verification", map[string]int{"insufficient": 1})
	_, _ = decide(ctx, optional, nil)
	c.want(t, "a guest", "verification", map[string]int{"no_token": 1})
}

func TestObserveVerificationsInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, c := newOutageNet(t), &tally{}
		s := n.serve(true, c.hook)
		token := s.begun().AccessToken
		c.want(t, "a login", "verification", map[string]int{})
		_ = s.status(token)
		s.get("logout", nil, "Authorization: Bearer "+token)
		_ = s.status(token)
		c.want(t, "logout", "verification", map[string]int{"ok": 1, "cached": 1, "revoked": 1})
		n.fails("trusted keys", refuse)
		for range 100 {
			_ = s.ask("trusted")
		}
		c.want(t, "an outage", "verification", map[string]int{"outage": 100})
	})
}

// A guard does not allocate for a cached token, with a hook or without.
func TestObserveAllocatesNothing(t *testing.T) {
	counts := map[core.Event]*int{}
	for _, e := range core.Events() {
		counts[e] = new(int)
	}
	for name, hook := range map[string]func(core.Event){"without": nil, "with": func(e core.Event) { *counts[e]++ }} {
		idp := newIDP(t)
		guard := idp.auth(func(c *core.Config) { c.Observe = core.ObserveFunc(hook) }).Required()
		ctx, token := t.Context(), idp.token()
		mustAdmit(t, guard, token)
		credentials := core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token}}}
		if n := testing.AllocsPerRun(1000, func() { guard.Admit(ctx, credentials) }); n != 0 {
			t.Errorf("%s a hook: %v allocations", name, n)
		}
	}
	if n := *counts[core.Event{Kind: "verification", Outcome: "cached"}]; n < 1000 {
		t.Errorf("%d events", n)
	}
}

// Logins and refreshes, with their outcomes.
func TestObserveLogins(t *testing.T) {
	c := &tally{}
	f := newFlow(t, c.hook)
	tokens := f.tokens("alice")
	c.want(t, "code", "login", map[string]int{"code ok": 1})
	query, cookie := f.browser("alice")
	f.get("callback", query, cookie)
	f.get("callback", query, cookie)
	c.want(t, "callback, twice", "login", map[string]int{"callback ok": 1, "callback refused": 1})
	start := f.device()
	f.post("token", flowPoll(start.DeviceCode))
	c.want(t, "device, not yet", "login", map[string]int{"device pending": 1})
	if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	f.post("token", url.Values{"device_code": {"none"}})
	f.post("token", url.Values{})
	f.post("token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {"x"}})
	c.want(t, "nonsense", "login", map[string]int{"device refused": 1, "undecided refused": 1, "exchange refused": 1})

	f.idp.Fault(oidctest.Token, oidctest.Status(503))
	f.post("token", f.loopback("alice"))
	f.post("token", flowRefresh(tokens.RefreshToken))
	f.idp.Fault(oidctest.Token, oidctest.HTML(200))
	f.post("token", f.loopback("alice"))
	f.post("token", flowRefresh(tokens.RefreshToken))
	f.idp.Heal()
	c.want(t, "the provider is down", "login", map[string]int{"code outage": 1, "code failed": 1})
	f.post("token", flowRefresh(tokens.RefreshToken))
	f.post("token", url.Values{"refresh-token": {strings.Repeat("x", 40)}})
	c.want(t, "refresh", "refresh", map[string]int{"ok": 1, "refused": 1, "outage": 1, "failed": 1})
	f.userInfo(f.idp.Bearer("alice"))
	f.get("logout", nil)
	if answer := f.get("login", nil); answer.Status != http.StatusBadRequest {
		t.Errorf("login: %d", answer.Status)
	}
	c.want(t, "other routes", "login", map[string]int{})
}

// diary is an Observer that records events and marks contexts.
type diary struct {
	mu      sync.Mutex
	entries []string
	panics  string // the kind whose Begin panics
}

type diaryMark struct{}

func marks(ctx context.Context) string {
	mark, _ := ctx.Value(diaryMark{}).(string)
	return mark
}

func (d *diary) note(entry string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry)
}

func (d *diary) Begin(ctx context.Context, e core.Event) context.Context {
	if e.Kind == d.panics {
		panic(poison)
	}
	if e.Outcome != "" {
		d.note("a Begin with an outcome")
	}
	mark := strings.TrimSpace(marks(ctx) + " " + e.Kind + ":" + e.Part)
	d.note("begin " + mark)
	if e.Part == "revocation" {
		return nil
	}
	return context.WithValue(ctx, diaryMark{}, mark)
}

func (d *diary) End(ctx context.Context, e core.Event) {
	d.note("end " + marks(ctx) + " " + e.Outcome)
}

func (d *diary) tear(kinds ...string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var kept []string
	for _, entry := range d.entries {
		if slices.ContainsFunc(kinds, func(kind string) bool { return strings.Contains(entry, kind+":") }) {
			kept = append(kept, entry)
		}
	}
	d.entries = nil
	return strings.Join(kept, "|")
}

// Spans nest: the HTTP request is inside the call to the token endpoint, and that is inside the login.
func TestObserveBeginsAndEnds(t *testing.T) {
	d := &diary{}
	f := newFlow(t, func(c *core.Config) { c.Observe = d })
	var request string
	f.traffic.before = func(r *http.Request) {
		if r.URL.Path == "/token" {
			request = marks(r.Context())
		}
	}
	tokens := f.tokens("alice")
	want := "begin login:code|begin login:code call:token|end login:code call:token ok|end login:code ok"
	if got := d.tear("login"); got != want || request != "login:code call:token" {
		t.Errorf("a login: %s, the request within %q", got, request)
	}
	f.post("token", flowRefresh(tokens.RefreshToken))
	want = "begin refresh:|begin refresh: call:token|end refresh: call:token ok|end refresh: ok"
	if got := d.tear("refresh"); got != want {
		t.Errorf("a refresh: %s", got)
	}
	f.get("logout", nil, "Authorization: Bearer "+tokens.AccessToken)
	if got := d.tear("call"); got != "begin call:revocation" { // nil is the context as it was
		t.Errorf("a logout: %s", got)
	}
	mustAdmit(t, f.auth.Required(), f.idp.AccessToken("alice"))
	if got := d.tear("verification"); got != "" {
		t.Errorf("a verification begins: %s", got)
	}
	second := flowOver(t, f.idp, func(c *core.Config) { c.Observe = d })
	mustAdmit(t, second.auth.Required(), f.idp.AccessToken("alice"))
	if got := d.tear("fetch"); strings.Count(got, "begin") != 2 || strings.Count(got, "ok") != 2 || !strings.Contains(got, "end fetch:keys ok") {
		t.Errorf("fetches: %s", got)
	}
}

// A panic in Begin of a login refuses it before its code is used; after a panic in Begin of a call the login continues.
func TestObserverThatPanics(t *testing.T) {
	for kind, status := range map[string]int{"login": 500, "refresh": 200, "call": 200, "fetch": 200} {
		d := &diary{panics: kind}
		f := newFlow(t, func(c *core.Config) { c.Observe = d })
		answer := f.post("token", f.loopback("alice"))
		if answer.Status != status || f.hits() != map[int]int{200: 1}[status] {
			t.Errorf("%s: %d, and the token endpoint was asked %d times", kind, answer.Status, f.hits())
		}
		logs := f.traffic.logs.String()
		if strings.Contains(logs, "function=Config.Observe") != (kind != "refresh") || strings.Contains(logs, poison) {
			t.Errorf("%s: %s", kind, logs)
		}
	}
}

// Every call to the provider other than a fetch is one event.
func TestObserveCalls(t *testing.T) {
	c := &tally{}
	f := newFlow(t, c.hook)
	tokens := f.tokens("alice")
	start := f.device()
	f.post("token", flowPoll(start.DeviceCode))
	f.userInfo(f.idp.Bearer("alice", flowNobody(nil)))
	f.get("logout", nil, "Authorization: Bearer "+tokens.AccessToken)
	c.want(t, "all is well", "call", map[string]int{"token ok": 1, "token pending": 1, "device ok": 1, "userinfo ok": 1, "revocation ok": 1})
	for outcome, fault := range map[string]oidctest.Fault{
		"refused": oidctest.ErrorCode(400, "invalid_request"), "unreachable": oidctest.Status(503), "unusable": oidctest.HTML(200),
	} {
		for _, endpoint := range []oidctest.Endpoint{oidctest.Token, oidctest.Device, oidctest.UserInfo, oidctest.Revocation} {
			f.idp.Fault(endpoint, fault)
		}
		f.post("token", flowRefresh("a-refresh-token-of-somebody"))
		f.post("device", nil)
		f.userInfo(f.idp.Bearer("alice", flowNobody(nil)))
		f.get("logout", nil, "Authorization: "+f.idp.Bearer("alice"))
		c.want(t, outcome, "call", map[string]int{"token " + outcome: 1, "device " + outcome: 1, "userinfo " + outcome: 1, "revocation " + outcome: 1})
		f.idp.Heal()
	}
}

// A nil function observes nothing.
func TestObserveNobody(t *testing.T) {
	if core.ObserveFunc(nil) != nil {
		t.Error("an Observer of nothing")
	}
}
