package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

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

// browser returns the headers of a browser that is logged in.
func (w *webService) browser(user string) (http.Header, error) {
	cookie := w.idp.Session(w.auth, user)
	if cookie.Value == "" {
		return nil, errors.New("no session")
	}
	return http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Sec-Fetch-Site": {"same-origin"}}, nil
}

// reading returns the credentials of a GET request.
func reading(header http.Header) core.Credentials {
	return core.Credentials{Method: http.MethodGet, Target: "/", Header: header}
}

// sessionHits compares hits with a cookie and with a bearer token: the decision alone, and a request through an adapter.
func sessionHits(ctx context.Context, r *report, e effort) error {
	w, err := newWebService(nil)
	if err != nil {
		return err
	}
	defer w.close()
	browser, err := w.browser("alice")
	if err != nil {
		return err
	}
	program := http.Header{"Authorization": {w.idp.Bearer("alice")}}
	guard, router := w.auth.Required(core.Roles("admin")), chi.NewRouter()
	router.With(guard.Middleware).Get(hitRoute, func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, answer) })
	decision := func(header http.Header) func() error {
		credentials := reading(header)
		return func() error { return admitted(guard.Admit(ctx, credentials)) }
	}
	request := func(header http.Header) func() error { return netSite{router}.prepare(hitRoute, header) }
	seen, err := compare([]subject{
		{"decision, session cookie", decision(browser)}, {"decision, bearer token", decision(program)},
		{"request through chi, session cookie", request(browser)}, {"request through chi, bearer token", request(program)},
	}, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	inCore, inChi := seen[0].over(seen[1]), seen[2].over(seen[3])
	var rows [][]string
	for i, cost := range []string{inCore.String(), "1", inChi.String(), "1"} {
		rows = append(rows, []string{seen[i].name, strconv.Itoa(int(spreadOf(seen[i].times).mid)), cost})
	}
	r.table([]string{"hit", "ns", "x the same with a bearer token"}, rows, "github.com/go-chi/chi/v5")
	r.judge(2, "a hit with a session cookie allocates nothing in core", fmt.Sprintf("%.0f", seen[0].allocations()), seen[0].allocations() == 0)
	r.brief.tell(rankSession, "a known one takes %.1f x a known bearer token", inCore.mid)
	r.judge(12, "a hit with a cookie at most 1.2 x one with a bearer token", inCore.String(), inCore.mid <= 1.2)
	r.judge(12, "a request through chi with a cookie at most 1.2 x one with a bearer token", inChi.String(), inChi.mid <= 1.2)
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
		header, err := w.browser("alice")
		if err != nil {
			return err
		}
		browsers[i] = reading(header)
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
	r.brief.tell(rankSession, "one that the instance has not seen yet %.1f reads of its row in SQLite", cost.mid)
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
	header, err := w.browser("alice")
	if err != nil {
		return err
	}
	browser := reading(header)
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
