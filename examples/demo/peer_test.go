package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Two applications, each with its own store, accept each other's access tokens, and no other tokens.
func TestPeersAcceptEachOthersTokens(t *testing.T) {
	for framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			o := anywhere(t, framework)
			o.peers = 2
			d := newDemo(t, o)
			for i, here := range d.apps {
				there := d.apps[1-i]
				b, foreign := newBrowser(t, d), newBrowserAt(t, there.base)
				b.base = here.base
				login := b.login("alice")
				bearer := []string{"Authorization", "Bearer " + login.Token.AccessToken}
				answer := readAs[peerAnswer](t, b.get("/peer", bearer...))
				if answer.Status != http.StatusOK || answer.Asked != there.base+"/api/me" || !strings.Contains(string(answer.Answer), `"iss":"`+here.base+`/api"`) {
					t.Errorf("the page's button: %d %s", answer.Status, answer.Answer)
				}
				if admin := foreign.get("/api/admin", bearer...); admin.status != http.StatusOK {
					t.Errorf("roles do not count at the peer: %d %s", admin.status, admin.body)
				}
				if refused := b.get("/peer"); refused.status != http.StatusUnauthorized {
					t.Errorf("without a token: %d", refused.status)
				}
				refresh := foreign.post("/api/auth/v2/token", url.Values{"refresh_token": {login.Token.RefreshToken}})
				if refresh.status != http.StatusUnauthorized {
					t.Errorf("a refresh token at the peer: %d %s", refresh.status, refresh.body)
				}
				b.get("/api/auth/v2/logout", bearer...)
				if mine, peers := b.get("/api/me", bearer...).status, foreign.get("/api/me", bearer...).status; mine != http.StatusUnauthorized || peers != http.StatusOK {
					t.Errorf("after the logout: %d here, %d at the peer, which is not told", mine, peers)
				}
			}
		})
	}
}

// A demo with one application has no peer, and its page has no button to call one.
func TestADemoAlone(t *testing.T) {
	b := newBrowser(t, newDemo(t, anywhere(t, "gin")))
	if answer := b.get("/peer"); answer.status != http.StatusNotFound || strings.Contains(b.get("/").body, `id="peer-title"`) {
		t.Errorf("GET /peer: %d", answer.status)
	}
}
