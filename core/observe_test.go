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

// want compares what was told since the last call, of one kind, with what should have been; "ok" is the event without a part,
// "keys ok" one with it.
func (c *tally) want(t *testing.T, when, kind string, want map[string]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	got := map[string]int{}
	for e, n := range c.seen {
		if !slices.Contains(core.Events(), e) {
			t.Errorf("%s: %v is none of Events", when, e)
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

func (c *tally) hook(config *core.Config) { config.Metrics = c.count }

// Events has every event once, and a list of its own for each caller.
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

// One event for each fetch that went out, and none for a request that was served from what is at hand.
func TestMetricsOfFetches(t *testing.T) {
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

func TestMetricsOfFetchesInBrokerMode(t *testing.T) {
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

// The words of an event are no texts of anybody else, whatever everybody else says.
func TestMetricsHaveFixedWords(t *testing.T) {
	for name, f := range faults {
		synctest.Test(t, func(t *testing.T) {
			idp, c := newIDP(t), &tally{}
			idp.breaks(f, oidctest.Discovery, oidctest.JWKS)
			_, _ = idp.auth(c.hook).Required().Admit(context.Background(), []string{"Bearer " + idp.token()})
			for e := range c.seen {
				if !slices.Contains(core.Events(), e) {
					t.Errorf("%s: %v", name, e)
				}
			}
		})
	}
}

// Each way in which a guard judges a request is one event, of an optional guard too.
func TestMetricsOfVerifications(t *testing.T) {
	idp, c := newIDP(t), &tally{}
	auth := idp.auth(c.hook)
	optional, required := auth.Optional(), auth.Required()
	ctx := t.Context()
	header := func(token string) []string { return []string{"Bearer " + token} }
	good := idp.token()
	forged := good[:len(good)-8] + "AAAAAAAA"
	for outcome, authorization := range map[string][]string{
		"no_token": nil, "bad_request": {"Bearer a", "Bearer b"}, "malformed": header("x.y"), "bad_signature": header(forged),
		"unknown_key": header(idp.tokenOf("stranger")), "bad_claims": header(idp.token(claims{"iss": "https://evil.example"})),
		"wrong_kind": header(idp.token(claims{"aud": "somebody-else"})), "ok": header(idp.token(claims{"jti": "1"})),
	} {
		_, _ = required.Admit(ctx, authorization)
		c.want(t, outcome, "verification", map[string]int{outcome: 1})
	}
	_, _ = required.Admit(ctx, header(idp.token(claims{"exp": time.Now().Unix() - 600})))
	c.want(t, "expired", "verification", map[string]int{"bad_claims": 1})
	mustAdmit(t, required, good)
	c.want(t, "first", "verification", map[string]int{"ok": 1})
	for range 10 {
		mustAdmit(t, required, good)
	}
	c.want(t, "remembered", "verification", map[string]int{"cached": 10})
	_, _ = auth.Required(core.Scopes("admin")).Admit(ctx, header(good))
	c.want(t, "no scope", "verification", map[string]int{"insufficient": 1})
	_, _ = optional.Admit(ctx, nil)
	c.want(t, "a guest", "verification", map[string]int{"no_token": 1})
}

func TestMetricsOfVerificationsInAnOutage(t *testing.T) {
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

// A guard makes nothing for a token that it remembers, with a hook or without.
func TestMetricsMakeNothing(t *testing.T) {
	counts := map[core.Event]*int{}
	for _, e := range core.Events() {
		counts[e] = new(int)
	}
	for name, hook := range map[string]func(core.Event){"without": nil, "with": func(e core.Event) { *counts[e]++ }} {
		idp := newIDP(t)
		guard := idp.auth(func(c *core.Config) { c.Metrics = hook }).Required()
		ctx, header := t.Context(), []string{"Bearer " + idp.token()}
		if _, err := guard.Admit(ctx, header); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, func() { _, _ = guard.Admit(ctx, header) }); n != 0 {
			t.Errorf("%s a hook: %v allocations", name, n)
		}
	}
	if n := *counts[core.Event{Kind: "verification", Outcome: "cached"}]; n < 1000 {
		t.Errorf("%d events", n)
	}
}

// Logins and refreshes, by what came of them.
func TestMetricsOfLogins(t *testing.T) {
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
