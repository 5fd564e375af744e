package main

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
)

// Figures are of use only when everybody does the whole work: the good token passes, and ours refuse every bad one.
func TestCandidatesAgreeOnTheGoodToken(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		k, err := newKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		p := newProvider(k)
		all, err := libraryPeers(t.Context(), k, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, -1} {
			own, done, err := ours(t.Context(), p, "oidcauth", size)
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			all = append(all, own)
		}
		good := k.token(keycloak(nil))
		if err := k.bare(good)(); err != nil {
			t.Errorf("%s: the bare check: %v", alg, err)
		}
		bad, err := badTokens(k)
		if err != nil {
			t.Fatal(err)
		}
		if k.bare(bad["another payload"])() == nil || k.bare(bad["another's key"])() == nil {
			t.Errorf("%s: the bare check checks nothing", alg)
		}
		for _, c := range all {
			kinds, err := accepted(c.name, good, bad, c.prepare)
			if err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			if slices.Contains(kinds, "another payload") || c.name == "oidcauth" && len(kinds) > 0 {
				t.Errorf("%s: %s accepts %v", alg, c.name, kinds)
			}
		}
	}
}

// Every framework answers on all four routes, in the process and over loopback.
func TestSites(t *testing.T) {
	for _, f := range frameworks {
		s, k, done, err := newSite(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		go func() { _ = s.serve(listener) }()
		o := order{Address: listener.Addr().String(), Token: k.token(keycloak(nil)), Time: 10 * time.Millisecond}
		for _, path := range allRoutes {
			forged := s.prepare(path, o.Token+"x")() == nil
			if err := s.prepare(path, o.Token)(); err != nil || forged != (path == bareRoute) {
				t.Errorf("%s %s: %v; a forged token passes: %v", f.name, path, err, forged)
			}
			o.Path = path
			if got, err := o.carryOut(); err != nil || got.Requests < 1 || got.Time <= 0 {
				t.Errorf("%s %s over loopback: %+v, %v", f.name, path, got, err)
			}
		}
		o.Path = "/nowhere"
		if _, err := o.carryOut(); err == nil {
			t.Errorf("%s: an answer of 404 was counted", f.name)
		}
	}
}

// A session is refreshed and its row written, as the table of refreshes does; rows are seeded up to a number.
func TestRefreshes(t *testing.T) {
	k, err := newKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	store := broker.NewMemory()
	s, err := newService(k, newProvider(k), store)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.auth.Close() }()
	all, err := newClients(t.Context(), s, store, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(*client, context.Context) error{(*client).refresh, (*client).write} {
		for range 5 {
			if err := do(all[0], t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	have, err := place{seeders: 3}.seed(t.Context(), store, "", all[0].rows[0], 10, 100)
	if err != nil || have != 100 {
		t.Errorf("%d rows, %v", have, err)
	}
}

// Rounds rotate, and figures of one round are joined with each other.
func TestCompare(t *testing.T) {
	busy := func(n int) func() error {
		return func() error {
			for begin := processTime(); processTime()-begin < time.Duration(n)*time.Millisecond; {
			}
			return nil
		}
	}
	seen, err := compare([]subject{{"one", busy(1)}, {"four", busy(4)}}, 5, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := seen[1].over(seen[0]); ratio.mid < 2 || ratio.mid > 8 {
		t.Errorf("four times the work is %s times the time", ratio)
	}
	if _, err := compare([]subject{{"broken", func() error { return errStatus }}}, 1, time.Millisecond); err == nil {
		t.Error("a fault was measured")
	}
}

// The report names goals in their order, and says what was not met.
func TestReport(t *testing.T) {
	r := &report{quick: true}
	r.section("Things", "About things.")
	r.table([]string{"", "x"}, [][]string{{"a", "1"}}, "github.com/gin-gonic/gin")
	r.judge(7, "seventh", "1.2", false)
	r.judge(1, "first", "1", true)
	text := r.String()
	for _, want := range []string{"quick run", "| 1 | first | 1 | met |\n| 7 | seventh | 1.2 | **not met** |", "## Things\n\nAbout things.\n\n|  | x |\n| --- | --- |\n| a | 1 |\n", machine()} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
