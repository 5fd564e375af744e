package core_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Rules has each rule of the application once, and none of the library's own guards.
func TestRules(t *testing.T) {
	auth := ruleAuth(t, asWeb)
	if _, err := auth.Routes(core.Paths{}); err != nil {
		t.Fatal(err)
	}
	auth.Inspect(t.Context(), "x")
	if rules := auth.Rules(); len(rules) != 0 {
		t.Errorf("without a guard: %v", rules)
	}
	for range 3 {
		auth.Required(core.Scopes("b"))
		auth.Optional()
		auth.Required(core.Scopes("a"))
	}
	if got := fmt.Sprint(auth.Rules()); got != "[Scopes a; bearer token or session Scopes b; bearer token or session guests too; bearer token or session]" {
		t.Error(got)
	}
}

// Guards that are made for each request do not fill the memory: rules are kept once, and only so many of them.
func TestRulesAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		word string
		want func(int) bool
	}{
		"many":  {"", func(n int) bool { return n == 1000 }},
		"large": {strings.Repeat("x", 10_000), func(n int) bool { return n > 90 && n < 110 }},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			auth := ruleAuth(t, func(c *core.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			log.Reset()
			first := auth.Required(core.Roles("first"))
			for i := range 3000 {
				auth.Required(core.Roles(strconv.Itoa(i) + c.word))
			}
			if rules := auth.Rules(); !c.want(len(rules)) || !strings.Contains(fmt.Sprint(rules), first.Rule().String()) {
				t.Errorf("%d rules", len(rules))
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "core.CheckRequest") {
				t.Errorf("the log: %s", log.String())
			}
		})
	}
}

func TestRulesConcurrently(t *testing.T) {
	auth := ruleAuth(t, nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				_ = auth.Required(core.Roles(strconv.Itoa(i*j), "x")).Rule()
				_ = auth.Rules()
			}
		})
	}
	all.Wait()
	distinct := make(map[int]bool)
	for i := range 8 {
		for j := range 50 {
			distinct[i*j] = true
		}
	}
	if len(auth.Rules()) != len(distinct) {
		t.Errorf("%d rules, want %d", len(auth.Rules()), len(distinct))
	}
}
