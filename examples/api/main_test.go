package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const audience = "https://api.example.org"

// TestAnswers sends every request of docs/api.md and compares the answer with the one on the page.
func TestAnswers(t *testing.T) {
	idp := oidctest.NewProvider(t)
	tokens := map[string]string{
		"TOKEN":   idp.AccessToken("bob", oidctest.Claims{"aud": audience, "scope": "orders:read"}),
		"ADMIN":   idp.AccessToken("alice", oidctest.Claims{"aud": audience}),
		"FINANCE": idp.AccessToken("bob", oidctest.Claims{"aud": audience, "department": []string{"hr", "finance"}}),
		"EXPIRED": idp.AccessToken("bob", oidctest.Claims{"aud": audience, "exp": time.Now().Add(-time.Hour).Unix()}),
		"OTHER":   idp.AccessToken("bob", oidctest.Claims{"aud": "https://wiki.example.org"}),
		"SERVICE": idp.AccessToken("bob", oidctest.Claims{"aud": audience, "sub": "billing", "client_id": "billing", "scope": "orders:import"}),
	}
	down := oidctest.NewProvider(t)
	down.Fault(oidctest.JWKS, oidctest.Refused())
	routers := map[bool]http.Handler{false: router(t, idp), true: router(t, down)}
	tokensOfDown := map[string]string{"TOKEN": down.AccessToken("bob", oidctest.Claims{"aud": audience})}

	for _, c := range readAnswers(t) {
		of, isDown := tokens, strings.Contains(c.heading, "cannot be reached")
		if isDown {
			of = tokensOfDown
		}
		request := httptest.NewRequest(c.method, c.path, nil)
		for _, header := range c.headers {
			name, value, _ := strings.Cut(header, ": ")
			request.Header.Set(name, os.Expand(value, func(name string) string { return of[name] }))
		}
		answer := httptest.NewRecorder()
		routers[isDown].ServeHTTP(answer, request)
		if got := answer.Result().Proto + " " + answer.Result().Status; got != c.status {
			t.Errorf("%s: %s, the page says %s", c.command, got, c.status)
		}
		for _, header := range c.answered {
			name, value, _ := strings.Cut(header, ": ")
			if got := answer.Header().Get(name); got != value {
				t.Errorf("%s: %s: %s, the page says %s", c.command, name, got, value)
			}
		}
		if got := strings.TrimSpace(answer.Body.String()); got != c.body {
			t.Errorf("%s: %s, the page says %s", c.command, got, c.body)
		}
	}
}

func TestReady(t *testing.T) {
	answer := httptest.NewRecorder()
	router(t, oidctest.NewProvider(t)).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ready", nil))
	if answer.Code != http.StatusOK {
		t.Errorf("ready: %d", answer.Code)
	}
}

// An API without logins needs the issuer, the keys and its audience.
func TestGuardsAlone(t *testing.T) {
	idp := oidctest.NewProvider(t)
	router, err := newRouter(core.Config{Issuer: idp.Issuer(), JWKSURL: idp.URL(oidctest.JWKS), Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, "/orders", nil)
	request.Header.Set("Authorization", idp.Bearer("bob", oidctest.Claims{"aud": audience, "scope": "orders:read"}))
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK || idp.Hits(oidctest.Discovery) != 0 {
		t.Errorf("%d %s, discovery was fetched %d times", answer.Code, answer.Body, idp.Hits(oidctest.Discovery))
	}
}

func router(t *testing.T, idp *oidctest.Provider) http.Handler {
	t.Helper()
	cfg := idp.Config()
	cfg.Audience, cfg.Logger = []string{audience}, slog.New(slog.DiscardHandler)
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// shown is a request of the page and the answer below it.
type shown struct {
	heading, command, method, path, status, body string
	headers, answered                            []string
}

var (
	consoleBlock = regexp.MustCompile("(?ms)^(?:## ([^\n]*)$|```console\n(.*?)\n```)")
	methodOption = regexp.MustCompile(`-X (\w+)`)
	headerOption = regexp.MustCompile(`-H "([^"]*)"`)
	address      = regexp.MustCompile(`https://api\.example\.org(/\S*)`)
)

func readAnswers(t *testing.T) []shown {
	t.Helper()
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []shown
	heading := ""
	for _, found := range consoleBlock.FindAllStringSubmatch(string(page), -1) {
		if found[2] == "" {
			heading = found[1]
			continue
		}
		for exchange := range strings.SplitSeq(found[2], "$ ") {
			if !strings.HasPrefix(exchange, "curl ") {
				continue
			}
			command, rest, _ := strings.Cut(exchange, "\n")
			head, body, _ := strings.Cut(rest, "\n\n")
			lines := strings.Split(strings.TrimSpace(head), "\n")
			c := shown{heading: heading, command: command, method: http.MethodGet, status: lines[0], answered: lines[1:], body: strings.TrimSpace(body)}
			if method := methodOption.FindStringSubmatch(command); method != nil {
				c.method = method[1]
			}
			for _, header := range headerOption.FindAllStringSubmatch(command, -1) {
				c.headers = append(c.headers, header[1])
			}
			c.path = address.FindStringSubmatch(command)[1]
			all = append(all, c)
		}
	}
	if len(all) < 10 {
		t.Fatalf("the page has %d requests", len(all))
	}
	return all
}
