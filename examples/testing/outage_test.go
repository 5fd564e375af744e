package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestProviderIsDown(t *testing.T) {
	idp, _, router := newApp(t)
	idp.Fault(oidctest.JWKS, oidctest.Status(http.StatusBadGateway))
	if answer := get(router, "/dashboard", "Authorization", idp.Bearer("bob")); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("without keys: %d %s", answer.Code, answer.Body)
	}
	idp.Heal()
}

func TestProviderIsDownLater(t *testing.T) {
	idp, _, router := newApp(t)
	get(router, "/dashboard", "Authorization", idp.Bearer("alice")) // the keys are cached now
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	idp.Fault(oidctest.Discovery, oidctest.Slow(time.Minute))
	if answer := get(router, "/dashboard", "Authorization", idp.Bearer("bob")); answer.Code != http.StatusOK {
		t.Errorf("with cached keys: %d %s", answer.Code, answer.Body)
	}
}

func TestLoginWhileProviderIsDown(t *testing.T) {
	idp, _, router := newApp(t)
	idp.Fault(oidctest.Discovery, oidctest.Times(1, oidctest.HTML(http.StatusServiceUnavailable)))
	if answer := get(router, "/auth/v2/login"); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("login: %d %s", answer.Code, answer.Body)
	}
}
