package soak

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

func TestMain(m *testing.M) {
	if os.Getenv(asService) != "" { // the test binary is the service too: nothing is compiled twice
		if err := serve(); err != nil {
			log.Fatal(err)
		}
		return
	}
	dbserver.Main(m)
}

// run is one application on one store.
type run struct {
	t        *testing.T
	name     string // of the store
	idp      *oidctest.Provider
	fleet    *fleet
	database database
	length   time.Duration
	begun    time.Time
	dir      string // for logs, profiles and the report

	board      board
	violations violations
	gone       graveyard
	count      counters
	rotating   sync.Mutex   // held while the provider is away, and to change its key
	rotated    atomic.Int64 // when it changed, in Unix milliseconds
	samples    []sample
	atRest     [2]int   // goroutines before and after
	loaded     [2]int64 // verifications and refreshes by the end of the load; 0 before

	programs      []atomic.Pointer[program]
	people        []atomic.Pointer[person]
	turn, changed atomic.Int64
}

// TestSoak runs the application for OIDCAUTH_SOAK, a duration ("2m", "1h"), on each of the stores of OIDCAUTH_SOAK_STORES, as many
// at once as go test runs in parallel. It writes logs, heap profiles and figures into OIDCAUTH_SOAK_DIR.
func TestSoak(t *testing.T) {
	text := os.Getenv("OIDCAUTH_SOAK")
	if text == "" {
		t.Skip("OIDCAUTH_SOAK is not set")
	}
	length, err := time.ParseDuration(text)
	if err != nil || length < 20*time.Second {
		t.Fatalf("OIDCAUTH_SOAK is not a duration of 20s or more: %q", text)
	}
	names := strings.FieldsFunc(os.Getenv("OIDCAUTH_SOAK_STORES"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) == 0 {
		names = []string{"SQLite", "PostgreSQL"}
	}
	for _, name := range names {
		place := databases[name]
		if place == nil {
			t.Fatalf("OIDCAUTH_SOAK_STORES: there is no %q", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newRun(t, name, place, length).all()
		})
	}
}

func newRun(t *testing.T, name string, place func(testing.TB) database, length time.Duration) *run {
	dir := os.Getenv("OIDCAUTH_SOAK_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	dir = filepath.Join(dir, strings.ToLower(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var users []oidctest.User
	for n := range max(programs, people) {
		users = append(users, oidctest.User{Name: userName(n), Claims: oidctest.Claims{
			"email": userName(n) + "@example.org", "email_verified": true, "name": "User " + userName(n), "preferred_username": userName(n),
			"groups": []string{"/staff", "/staff/dev"}, "realm_access": oidctest.Claims{"roles": []string{"user", "editor"}},
		}})
	}
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithUsers(users...), oidctest.WithoutSingleSignOn())
	db := place(t)
	return &run{
		t: t, name: name, idp: idp, database: db, length: length, dir: dir, fleet: newFleet(t, idp, db.url, dir),
		programs: make([]atomic.Pointer[program], programs), people: make([]atomic.Pointer[person], people),
	}
}

func userName(n int) string { return fmt.Sprintf("user-%03d", n) }

// any is an instance that is alive.
func (r *run) any() *instance {
	i := r.fleet.slots[rand.IntN(len(r.fleet.slots))].Load()
	if i.killed.Load() {
		i = r.fleet.slots[0].Load()
	}
	return i
}

func (r *run) say(format string, args ...any) {
	r.t.Logf("%s %8s %s", r.name, time.Since(r.begun).Round(100*time.Millisecond), fmt.Sprintf(format, args...))
}

// lost records a session that was refused although nobody has ended it.
func (r *run) lost(what string, a *answer, byKill bool) {
	if byKill {
		r.count.lostToKills.Add(1)
		r.say("%.60s … is lost with the instance that was asking the provider about it", what)
		return
	}
	r.count.lost.Add(1)
	r.violation("session lost", "%s: instance %d answers %d %.200s", what, a.on.number, a.status, a.body)
}

// all is the whole run.
func (r *run) all() {
	r.begun = time.Now()
	r.fill()
	r.atRest[0] = r.rest()
	r.begun = time.Now()
	ctx, cancel := context.WithDeadline(r.t.Context(), r.begun.Add(r.length))
	defer cancel()
	var loaded sync.WaitGroup
	loaded.Go(func() { r.load(ctx) })
	r.watch(ctx)
	loaded.Wait()
	r.loaded = [2]int64{r.count.verified.Load(), r.count.refreshed.Load()}
	r.findAll()
	r.atRest[1] = r.rest()
	r.profile("heap", "heap-last.pb.gz", 0)
	if r.atRest[1] > r.atRest[0]+maxGoroutines {
		r.profile("goroutine", "goroutines.txt", 1)
	}
	r.end()
	r.report()
}

// fill logs everybody in.
func (r *run) fill() {
	begun := time.Now()
	var all sync.WaitGroup
	places := make(chan struct{}, 4)
	fill(&all, places, r.programs, r.logIn)
	fill(&all, places, r.people, r.signIn)
	all.Wait()
	r.say("%d programs and %d browsers are logged in after %s", programs, people, time.Since(begun).Round(time.Millisecond))
}

func fill[T any](all *sync.WaitGroup, running chan struct{}, places []atomic.Pointer[T], in func(string) *T) {
	for n := range places {
		running <- struct{}{}
		all.Go(func() {
			places[n].Store(in(userName(n)))
			<-running
		})
	}
}

// watch measures and says how it goes until ctx ends.
func (r *run) watch(ctx context.Context) {
	every := max(5*time.Second, min(30*time.Second, r.length/40))
	lines := min(time.Minute, r.length/4)
	said, profiled := r.begun, false
	for at := r.begun; sleepUntil(ctx, at); at = at.Add(every) {
		r.sample()
		if time.Since(said) >= lines-every/2 {
			said = time.Now()
			r.progress()
		}
		if !profiled && time.Since(r.begun) >= warmUp(r.length) {
			profiled = true
			r.profile("heap", "heap-warm.pb.gz", 0)
		}
	}
}

// findAll looks for every session once more, on each instance.
func (r *run) findAll() {
	time.Sleep(settle) // the last event may just be over
	each(r.people, func(p *person) { r.visit(p); r.visit(p) })
	each(r.programs, func(p *program) {
		r.use(p)
		for end := time.Now().Add(leaseTime); ; time.Sleep(time.Second) { // a client comes again until it has its tokens
			before := p.token.Load()
			if r.refresh(p); p.leaving.Load() || p.token.Load() != before {
				return
			}
			if time.Now().After(end) {
				r.violation("session lost", "a program's session cannot be refreshed after%s", p.history)
				return
			}
		}
	})
}

// each does something with all that are logged in, some at a time.
func each[T any](places []atomic.Pointer[T], do func(*T)) {
	var all sync.WaitGroup
	running := make(chan struct{}, 8)
	for n := range places {
		if one := places[n].Load(); one != nil {
			running <- struct{}{}
			all.Go(func() {
				do(one)
				<-running
			})
		}
	}
	all.Wait()
}

// end asks the instances to end.
func (r *run) end() {
	for slot := range r.fleet.slots {
		i := r.fleet.slots[slot].Load()
		if err := i.terminate(); err != nil {
			r.violation("ended", "instance %d: %v: see %s", i.number, err, i.log)
		}
	}
	logs, _ := filepath.Glob(filepath.Join(r.dir, "*.log"))
	for _, file := range logs {
		text, _ := os.ReadFile(file)
		if slices.ContainsFunc([]string{"DATA RACE", "panic", "goroutine "}, func(word string) bool { return strings.Contains(string(text), word) }) {
			r.violation("ended", "see %s", file)
		}
	}
}
