package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudwego/hertz/pkg/app/server"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestRoutes(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := server.New(server.WithListener(listener), server.WithExitWaitTime(0))
	if err := register(h.Engine, idp.Config()); err != nil {
		t.Fatal(err)
	}
	go func() { _ = h.Run() }()
	t.Cleanup(func() { _ = h.Shutdown(context.Background()) })
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	bob := idp.Bearer("bob", oidctest.Claims{"scope": "openid orders"})
	for _, c := range []struct {
		method, path, authorization, body string
		status                            int
		want, header                      string
	}{
		{http.MethodGet, "/orders", "", "", http.StatusUnauthorized, "Not authenticated", "Bearer realm="},
		{http.MethodGet, "/orders", "Bearer x.y.z", "", http.StatusUnauthorized, "Invalid token", `error="invalid_token"`},
		{http.MethodGet, "/orders", idp.Bearer("bob"), "", http.StatusForbidden, "missing required scopes: orders", `scope="orders"`},
		{http.MethodGet, "/orders", bob, "", http.StatusOK, "bob has 3 orders", ""},
		{http.MethodGet, "/auth/v2/userinfo", bob, "", http.StatusOK, "bob", ""},
		{http.MethodPost, "/auth/v2/token", "", "grant_type=nonsense", http.StatusBadRequest, "unsupported_grant_type", ""},
		{http.MethodGet, "/auth/v2/login?redirect_uri=http://127.0.0.1:1/callback", "", "", http.StatusFound, "", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+listener.Addr().String()+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if got.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s: %d %s, want %d with %q", c.method, c.path, got.StatusCode, body, c.status, c.want)
		}
		if challenge := got.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, c.header) {
			t.Errorf("%s %s: the challenge is %q", c.method, c.path, challenge)
		}
	}
}
