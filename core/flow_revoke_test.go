package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// revoked checks the answer of RFC 7009 section 2.2.
func revoked(t testing.TB, what string, answer *core.Response) {
	t.Helper()
	if answer.Status != http.StatusOK || len(answer.Body) > 0 {
		t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
	}
	flowNoStore(t, answer)
}

// RFC 7009: either token ends the session, on every instance and at the provider, whatever the hint says.
func TestRevoke(t *testing.T) {
	for name, form := range map[string]func(core.Token) url.Values{
		"refresh token": func(token core.Token) url.Values { return url.Values{"token": {token.RefreshToken}} },
		"refresh token with a hint": func(token core.Token) url.Values {
			return url.Values{"token": {token.RefreshToken}, "token_type_hint": {"refresh_token"}}
		},
		"access token": func(token core.Token) url.Values { return url.Values{"token": {token.AccessToken}} },
		"access token, wrong hint": func(token core.Token) url.Values {
			return url.Values{"token": {token.AccessToken}, "token_type_hint": {"refresh_token"}}
		},
		"access token, odd hint": func(token core.Token) url.Values {
			return url.Values{"token": {token.AccessToken}, "token_type_hint": {"x"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				here, there := b.serve(), b.serve()
				token := here.begun()
				held := b.current
				here.who(token.AccessToken)
				there.who(token.AccessToken)
				revoked(t, name, here.post("revoke", form(token)))
				revoked(t, "again", here.post("revoke", form(token)))
				if status := here.status(token.AccessToken); status != 401 {
					t.Errorf("here: %d", status)
				}
				time.Sleep(3 * time.Second)
				if status := there.status(token.AccessToken); status != 401 {
					t.Errorf("there: %d", status)
				}
				flowRefused(t, "there", there.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
				if !b.wasRevoked(held) {
					t.Error("the provider's refresh token lives on")
				}
			})
		})
	}
}

// Every token of the session ends it, also one that was spent, or has expired; what is nobody's ends nothing.
func TestRevokeWhichToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		for _, spent := range []int{1, 2} {
			first := f.begun()
			last := first
			for range spent {
				last = flowGranted(t, f.refresh(last.RefreshToken))
			}
			revoked(t, "a spent one", f.post("revoke", url.Values{"token": {first.RefreshToken}}))
			flowRefused(t, "its successor", f.refresh(last.RefreshToken), 401, "invalid_grant", sessionGone)
		}
		token := f.begun()
		time.Sleep(2 * time.Hour)
		for what, other := range map[string]string{
			"a text": "x", "no such session": strings.Repeat("A", 64), "the provider's": b.token(), "changed": token.AccessToken[:len(token.AccessToken)-4] + "AAAA",
			"the provider's refresh token": b.current, "another issuer's": rsaToken(t, sharedKey(), kidOf(sharedKey()), pythonClaims("https://evil.example", bubbleIssuer)),
		} {
			revoked(t, what, f.post("revoke", url.Values{"token": {other}}))
		}
		if list, err := b.store.Store.Revoked(t.Context(), time.Time{}, time.Now()); err != nil || len(list) != 0 {
			t.Errorf("%d revocations of nothing: %v", len(list), err)
		}
		next := flowGranted(t, f.refresh(token.RefreshToken))
		revoked(t, "an expired one", f.post("revoke", url.Values{"token": {token.AccessToken}}))
		flowRefused(t, "its session", f.refresh(next.RefreshToken), 401, "invalid_grant", sessionGone)
	})
}

// Requests that are none, and forms of other sites.
func TestRevokeRefuses(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	good := url.Values{"token": {token.RefreshToken}}
	flowRefused(t, "no token", f.post("revoke", url.Values{"refresh_token": {token.RefreshToken}}), 400, "invalid_request", "Missing token")
	flowRefused(t, "two tokens", f.post("revoke", url.Values{"token": {"a", "b"}}), 400, "invalid_request", "Parameter token is given more than once.")
	flowRefused(t, "two hints", f.post("revoke", url.Values{"token": {"a"}, "token_type_hint": {"a", "b"}}), 400, "invalid_request", "Parameter token_type_hint is given more than once.")
	flowRefused(t, "too long", f.post("revoke", url.Values{"token": {strings.Repeat("x", 17<<10)}}), 400, "invalid_request", "Parameter token is too long.")
	flowRefused(t, "another site", f.post("revoke", good, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"), 403, "access_denied", foreignForm)
	f.who(token.AccessToken)
	revoked(t, "own site", f.post("revoke", good, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin"))

	passthrough := newFlow(t, nil)
	if _, ok := passthrough.routes["revoke"]; ok {
		t.Error("passthrough mode has the route")
	}
}

const foreignForm = "A form of another site is not taken."

// Forms that another site makes a browser send are refused where tokens are given out; whatever else a client is may post.
func TestFormsOfOtherSites(t *testing.T) {
	f := newFlow(t, nil)
	for _, site := range []string{"cross-site", "same-site", ""} {
		headers := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: " + site}
		flowRefused(t, "token, "+site, f.post("token", f.loopback("alice"), headers...), 403, "access_denied", foreignForm)
		flowRefused(t, "device, "+site, f.post("device", nil, headers...), 403, "access_denied", foreignForm)
	}
	if f.idp.Hits(oidctest.Token) != 0 || f.idp.Hits(oidctest.Device) != 0 {
		t.Error("the provider was asked")
	}
	for _, headers := range [][]string{
		nil, {"Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin"}, {"Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"},
	} {
		flowGranted(t, f.post("token", f.loopback("alice"), headers...))
	}
}

// The store is down: the client is told so; what is known to be a session ends here at once, and in the store later.
func TestRevokeStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		first, second, third := f.begun(), f.begun(), f.begun()
		f.who(first.AccessToken)
		const down = "The session store is not available."
		b.store.breaks(failing("Revoke"))
		flowRefused(t, "refresh token", f.post("revoke", url.Values{"token": {first.RefreshToken}}), 503, "", down)
		b.store.down(true)
		flowRefused(t, "access token", f.post("revoke", url.Values{"token": {second.AccessToken}}), 503, "", down)
		answer := f.post("revoke", url.Values{"token": {third.RefreshToken}})
		flowRefused(t, "refresh token, unread", answer, 503, "", down)
		if answer.Header.Get("Retry-After") == "" {
			t.Errorf("%v", answer.Header)
		}
		if f.status(first.AccessToken) != 401 || f.status(second.AccessToken) != 401 || f.status(third.AccessToken) != 200 {
			t.Errorf("%d, %d, %d", f.status(first.AccessToken), f.status(second.AccessToken), f.status(third.AccessToken))
		}
		b.store.down(false)
		time.Sleep(20 * time.Second)
		other := b.serve()
		for _, token := range []core.Token{first, second} {
			flowRefused(t, "once it is back", other.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		}
		flowGranted(t, other.refresh(third.RefreshToken))
	})
}
