package main

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// In a bubble of testing/synctest all clocks are the bubble's, and an hour passes at once.
func TestIdleSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, cfg, router := newApp(t, oidctest.WithoutNetwork("https://idp.example.org"))
		auth, err := core.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		cookie := idp.Session(auth, "alice").String()
		_ = auth.Close()
		for _, c := range []struct {
			pause  time.Duration
			status int
		}{
			{0, http.StatusOK},
			{11 * time.Hour, http.StatusOK},
			{13 * time.Hour, http.StatusUnauthorized}, // IdleTimeout is 12 hours
		} {
			time.Sleep(c.pause)
			if answer := get(router, "/dashboard", "Cookie", cookie); answer.Code != c.status {
				t.Errorf("after %s: %d %s, want %d", c.pause, answer.Code, answer.Body, c.status)
			}
		}
	})
}

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, _, router := newApp(t, oidctest.WithoutNetwork("https://idp.example.org"))
		token := idp.Bearer("bob") // five minutes, and Config.Leeway
		time.Sleep(5 * time.Minute)
		if answer := get(router, "/dashboard", "Authorization", token); answer.Code != http.StatusOK {
			t.Errorf("within the leeway: %d", answer.Code)
		}
		time.Sleep(time.Minute)
		if answer := get(router, "/dashboard", "Authorization", token); answer.Code != http.StatusUnauthorized {
			t.Errorf("afterwards: %d", answer.Code)
		}
	})
}
