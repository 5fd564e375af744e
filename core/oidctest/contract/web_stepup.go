package contract

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The pages that need a strong login: of a provider that has it, of one that has not, and a very recent one.
const (
	goldPage     = group + "/gold"
	platinumPage = group + "/platinum"
	nowPage      = group + "/now"
)

// openGold opens a site whose provider has two levels of logins. Its pages are those of every site, and the ones above.
func (a setup) openGold(t *testing.T, p plan) *web {
	t.Helper()
	p.provider = append(p.provider, oidctest.WithACR("bronze", "gold"))
	return a.openWeb(t, p, func(w *web, app App) {
		w.pages(t, app)
		in := app.Group(group)
		in.Any("/gold", w.whose, Required(core.ACR("silver", "gold"), core.MaxAge(time.Hour)))
		in.Any("/platinum", w.whose, Required(core.ACR("platinum")))
		in.Any("/now", w.whose, Required(core.MaxAge(0)))
		in.Any("/gold/open", w.whose, Optional(core.ACR("gold")))
		in.Any("/gold/strict", w.whose, Optional(core.ACR("gold"), core.RejectInvalid))
		in.Any("/gold/quiet", w.whose, Required(core.ACR("gold"), core.NoRedirect))
	})
}

// sentToStepUp is a guard's answer to a person whose login is not enough.
func sentToStepUp(returnTo string) string {
	return moved(loginURL+"?return_to="+url.QueryEscape(returnTo)+"&step_up=…", varies)
}

// weakSession is the same to a script.
func weakSession(demand string, headers ...string) string {
	return jsonWith(http.StatusUnauthorized, `{"detail":"`+weakDetail+`","error":"insufficient_user_authentication","error_description":"`+weakDetail+`","login_url":"`+loginURL+`?step_up=…"}`,
		append(headers, weakChallenge(demand), varies)...)
}

func testWebStepUp(t *testing.T, a setup) {
	t.Run("there and back", func(t *testing.T) { stepUpAndBack(t, a) })
	t.Run("not delivered", func(t *testing.T) { notDelivered(t, a) })
	t.Run("loop", func(t *testing.T) { stepUpLoop(t, a) })
	t.Run("several providers", func(t *testing.T) { stepUpAtOwn(t, a) })
}

// stepUpAndBack: a person is sent to a login that asks for what the page needs, and is on the page then, with a new session.
func stepUpAndBack(t *testing.T, a setup) {
	w := a.openGold(t, plan{})
	b := w.browser()
	id := b.logIn("alice")
	const there, demand = goldPage + "?a=b%20c", `acr_values="silver gold", max_age="3600"`
	b.do(http.MethodGet, goldPage, scripted...).is(weakSession(demand))
	b.do(http.MethodPost, goldPage, scripted...).is(weakSession(demand))
	b.do(http.MethodGet, goldPage, append([]string{"HX-Request: true", "HX-Current-URL: " + origin + "/api/list"}, scripted...)...).
		is(weakSession(demand, "Hx-Redirect: "+loginURL+"?return_to=%2Fapi%2Flist&step_up=…"))
	b.do(http.MethodPost, goldPage, submitted...).isPage(http.StatusUnauthorized, pleaseLogIn, weakChallenge(demand), varies)
	b.do(http.MethodGet, group+"/gold/quiet", visiting...).is(weakSession(`acr_values="gold"`))
	b.do(http.MethodGet, group+"/gold/open", visiting...).is(seenGuest())
	b.do(http.MethodGet, group+"/gold/strict", scripted...).is(weakSession(`acr_values="gold"`))
	b.do(http.MethodGet, goldPage, w.bearer("bob", oidctest.Claims{"acr": "bronze"})).is(weakLogin(demand))

	guarded := b.do(http.MethodGet, there, visiting...)
	guarded.is(sentToStepUp(there))
	start := b.do(http.MethodGet, strings.TrimPrefix(guarded.location(), origin), visiting...)
	start.is(moved(w.idp.URL(oidctest.Authorization)+"?acr_values=silver+gold&client_id=app&code_challenge=…&code_challenge_method=S256&max_age=3600&nonce=…&redirect_uri="+
		url.QueryEscape(ownCallback)+"&response_type=code&scope=openid+profile+email&state=…", newCookie))
	old := b.copied()
	b.do(http.MethodGet, strings.TrimPrefix(b.approve(start.location(), "alice"), origin), linked...).is(landed(there))
	next := sessionIn(b.do(http.MethodGet, there, visiting...))
	if next == "" || next == id || b.session() == old.session() {
		t.Errorf("the session is %q again", next)
	}
	b.do(http.MethodGet, there, visiting...).is(seenBy("alice", next))
	b.do(http.MethodGet, group+"/gold/open", visiting...).is(seenBy("alice", next))
	old.do(http.MethodGet, page, scripted...).is(sessionOver())
}

// notDelivered: what the provider did not confirm ends in a page, and the session stays as it was.
func notDelivered(t *testing.T, a setup) {
	for _, options := range [][]oidctest.Option{nil, {oidctest.WithStrictACR()}} {
		w := a.openGold(t, plan{provider: options})
		b := w.browser()
		id := b.logIn("alice")
		got, at := b.visit(platinumPage, "alice")
		got.isPage(http.StatusForbidden, "Another login is needed", noReferrer, noCookie)
		if !strings.HasPrefix(at, callback) || !strings.Contains(html.UnescapeString(got.body), `href="`+origin+platinumPage+`"`) {
			t.Errorf("the person is at %s: %s", at, got.text())
		}
		b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
	}
	w := a.openGold(t, plan{})
	b := w.browser()
	w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["auth_time"] = "now" })
	id := b.logIn("alice")
	got, _ := b.visit(nowPage, "alice")
	got.isPage(http.StatusForbidden, "Another login is needed", noReferrer, noCookie)
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
}

// stepUpLoop: step-ups that take from each other what they bring do not go on for ever.
func stepUpLoop(t *testing.T, a setup) {
	w := a.openWeb(t, plan{provider: []oidctest.Option{oidctest.WithACR("bronze", "gold")}}, func(w *web, app App) {
		w.pages(t, app)
		app.Group(group).Any("/gold", w.whose, Required(core.ACR("gold")))
		app.Group(group).Any("/bronze", w.whose, Required(core.ACR("bronze")))
	})
	b := w.browser()
	b.logIn("alice")
	for range 2 {
		for _, path := range []string{goldPage, group + "/bronze"} {
			got, _ := b.visit(path, "alice")
			got.hasStatus(http.StatusOK)
		}
	}
	got, _ := b.visit(goldPage, "alice")
	got.isPage(http.StatusTooManyRequests, "The login goes round in circles", "Retry-After: 60")
}

// stepUpAtOwn: the better login is at the provider of the session, and nobody has to choose.
func stepUpAtOwn(t *testing.T, a setup) {
	p := plan{}
	other := newSecond(t, &p, oidctest.WithACR("bronze", "gold"))
	w := a.openGold(t, p)
	b := w.browser()
	back := func(location string) string {
		t.Helper()
		to, err := other.Approve(location, "alice")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(to.String(), origin)
	}
	b.do(http.MethodGet, back(b.do(http.MethodGet, loginQuery("provider", second, "return_to", page), visiting...).location()), linked...).hasStatus(http.StatusFound)
	start := b.do(http.MethodGet, strings.TrimPrefix(b.do(http.MethodGet, goldPage, visiting...).location(), origin), visiting...)
	if !strings.HasPrefix(start.location(), other.URL(oidctest.Authorization)+"?acr_values=silver+gold&") {
		t.Fatalf("the step-up leads to %s", start.text())
	}
	landedAt := b.do(http.MethodGet, back(start.location()), linked...)
	if landedAt.location() != origin+goldPage {
		t.Errorf("the step-up ends at %s", landedAt.text())
	}
	b.do(http.MethodGet, goldPage, scripted...).hasStatus(http.StatusOK)
}
