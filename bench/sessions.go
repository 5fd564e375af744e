package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// sessions writes the tables about browser sessions: goal 12.
func sessions(ctx context.Context, r *report, e effort) error {
	r.section("Browser sessions", "A guard with one role and a session cookie. A hit is a session that this process has in memory; a miss reads its row\n"+
		"from SQLite, verifies the secret and makes the claims.")
	for _, part := range []func(context.Context, *report, effort) error{sessionHits, sessionMisses, sessionFreshness} {
		if err := part(ctx, r, e); err != nil {
			return err
		}
	}
	return nil
}

// webService is a service with sessions, and its provider.
type webService struct {
	idp  *oidctest.Provider
	auth *core.Auth
}

func newWebService(change func(*core.Config)) (*webService, error) {
	idp, err := oidctest.Start(oidctest.WithAlgorithm("ES256"))
	if err != nil {
		return nil, err
	}
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	if change != nil {
		change(&cfg)
	}
	auth, err := core.New(cfg)
	if err != nil {
		return nil, errors.Join(err, idp.Close())
	}
	return &webService{idp, auth}, nil
}

func (w *webService) close() { _, _ = w.auth.Close(), w.idp.Close() }

// browser returns the credentials of a browser that is logged in.
func (w *webService) browser(user string) (core.Credentials, error) {
	cookie := w.idp.Session(w.auth, user)
	if cookie.Value == "" {
		return core.Credentials{}, errors.New("no session")
	}
	header := http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Sec-Fetch-Site": {"same-origin"}}
	return core.Credentials{Method: http.MethodGet, Target: "/", Header: header}, nil
}

func sessionHits(ctx context.Context, r *report, e effort) error {
	w, err := newWebService(nil)
	if err != nil {
		return err
	}
	defer w.close()
	guard := w.auth.Required(core.Roles("admin"))
	cookie, err := w.browser("alice")
	if err != nil {
		return err
	}
	token := core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{"Authorization": {w.idp.Bearer("alice")}}}
	seen, err := compare([]subject{
		{"cookie", func() error { return admitted(guard.Admit(ctx, cookie)) }},
		{"bearer token", func() error { return admitted(guard.Admit(ctx, token)) }},
	}, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	cost := seen[0].over(seen[1])
	r.table([]string{"hit", "ns", "x a hit with a bearer token"}, [][]string{
		{"session cookie", strconv.Itoa(int(spreadOf(seen[0].times).mid)), cost.String()}, {"bearer token", strconv.Itoa(int(spreadOf(seen[1].times).mid)), "1"},
	})
	r.judge(12, "a hit with a cookie at most 1.2 x one with a bearer token", cost.String(), cost.mid <= 1.2)
	return nil
}

// manySessions are more than the smallest cache holds, so that each request misses it.
const manySessions = 64

func sessionMisses(ctx context.Context, r *report, e effort) error {
	folder, err := os.MkdirTemp("", "bench-sessions")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	var rows store.Store
	w, err := newWebService(func(c *core.Config) {
		c.TokenCacheSize = -1
		if rows, err = store.Open("sqlite:///" + filepath.ToSlash(filepath.Join(folder, "sessions.sqlite"))); err == nil {
			c.Store = rows
		}
	})
	if err != nil {
		return err
	}
	defer w.close()
	guard := w.auth.Required(core.Roles("admin"))
	browsers, ids := make([]core.Credentials, manySessions), make([]string, manySessions)
	for i := range browsers {
		if browsers[i], err = w.browser("alice"); err != nil {
			return err
		}
		ids[i] = guard.Admit(ctx, browsers[i]).Session.ID()
	}
	next, read := 0, 0
	seen, err := compare([]subject{
		{"miss", func() error { next++; return admitted(guard.Admit(ctx, browsers[next%manySessions])) }},
		{"read", func() error { read++; _, err := rows.Session(ctx, ids[read%manySessions], time.Now()); return err }},
	}, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	cost := seen[0].over(seen[1])
	r.table([]string{"miss", "x the store's read"}, [][]string{{"session cookie, row in SQLite", cost.String()}, {"`Store.Session`", "1"}})
	r.judge(12, "a miss at most 1.2 x the store's read", cost.String(), cost.mid <= 1.2)
	return nil
}

// sessionFreshness sends 1,000 requests at the moment when the claims of a session are too old.
func sessionFreshness(ctx context.Context, r *report, _ effort) error {
	w, err := newWebService(func(c *core.Config) { c.Sessions.RefreshAfter = time.Second })
	if err != nil {
		return err
	}
	defer w.close()
	browser, err := w.browser("alice")
	if err != nil {
		return err
	}
	guard := w.auth.Required()
	if err := admitted(guard.Admit(ctx, browser)); err != nil {
		return err
	}
	const slow = 300 * time.Millisecond
	time.Sleep(2 * time.Second)
	w.idp.Fault(oidctest.Token, oidctest.Late(slow))
	before := w.idp.Hits(oidctest.Token)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var longest time.Duration
	for range 1000 {
		wg.Go(func() {
			begin := time.Now()
			failed := admitted(guard.Admit(ctx, browser))
			mu.Lock()
			defer mu.Unlock()
			longest, err = max(longest, time.Since(begin)), errors.Join(err, failed)
		})
	}
	wg.Wait()
	if err != nil {
		return err
	}
	time.Sleep(2 * slow)
	asked := w.idp.Hits(oidctest.Token) - before
	r.note("1,000 requests at once with one session whose claims are too old, while the provider takes %s: it was asked %d times, and the longest request took %s.",
		slow, asked, longest.Round(time.Millisecond))
	r.judge(12, "the provider is asked once, and no request waits for it", strconv.Itoa(asked), asked == 1 && longest < slow)
	return nil
}
