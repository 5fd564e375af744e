package contract

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// testRequests: a guard passes on the request as the client sent it, also in groups, whatever the framework changes.
func testRequests(t *testing.T, a setup) {
	var mu sync.Mutex
	var seen string
	var log lockedText
	show := core.CheckRequest("show", func(ctx context.Context, request core.Credentials, caller *core.IDToken) (bool, error) {
		many := request.Header.Values("X-Many")
		header := request.Header.Clone()
		mu.Lock()
		defer mu.Unlock()
		seen = fmt.Sprint(request.Method, " ", request.Target, " ", caller.Subject(), " ", many, header["X-Many"], header.Get("Host"), ctx.Err())
		return len(request.Header.Values("X-None")) == 0, nil
	})
	s := a.open(t, plan{
		config: func(cfg *core.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) },
		build: func(app App) {
			mount(t, app.Group(group), core.Paths{})
			app.Get("/route", who, Required(show))
			app.Group("/group", Required(show)).Get("/x", who)
			app.Handle("/handle", who, core.AnyOf(core.Roles("nobody has it"), show))
			app.HandleOptional("/optional", who, show)
			app.Get("/down", who, Required(core.CheckRequest("down", func(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, errors.New("down") })))
			app.HandleOptional("/panic", who, core.Check("mine", func(*core.IDToken) bool { panic("thrown") }))
		},
	})
	alice := s.bearer("alice")
	var many []string
	for i := range 12 { // more than an adapter's buffer holds
		many = append(many, fmt.Sprint("v", i))
	}
	for _, path := range []string{"/route", "/group/x?a=b%20c&a=d", "/handle?%zz", "/optional"} {
		headers := []string{alice}
		for _, value := range many {
			headers = append(headers, "X-Many: "+value)
		}
		s.get(path, headers...).hasStatus(http.StatusOK)
		mu.Lock()
		if want := fmt.Sprint("GET ", path, " alice ", many, many, "<nil>"); seen != want {
			t.Errorf("the check of %s saw\n%s, want\n%s", path, seen, want)
		}
		mu.Unlock()
	}
	s.get("/route", alice, "X-None: 1").is(lacksClaims())
	s.get("/down", alice).is(outage(http.StatusServiceUnavailable, "The service cannot check permissions now."))
	s.get("/panic", alice).is(refused(http.StatusInternalServerError, "server_error", "Internal error."))
	s.get("/route", alice).hasStatus(http.StatusOK) // the server goes on
	if text := log.String(); strings.Count(text, "Check mine") != 1 || strings.Contains(text, "thrown") {
		t.Errorf("the log says %s", text)
	}
}

// lockedText is a log for several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
