package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The figures are only comparable if every candidate does all the work: each accepts the good token, and oidcauth refuses every
// bad one.
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

// The page ends with the notes, unchanged.
func TestNotes(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil || !strings.HasSuffix(string(page), notes) {
		t.Errorf("docs/performance.md does not end with bench/notes.txt: %v", err)
	}
}

// Rounds rotate the order, and figures of the same round are paired.
func TestCompare(t *testing.T) {
	busy := func(n int) func() error {
		return func() error {
			for begin := processTime(); processTime()-begin < time.Duration(n)*100*time.Microsecond; {
			}
			return nil
		}
	}
	seen, err := compare([]subject{{"one", busy(1)}, {"four", busy(4)}}, 5, 4*time.Millisecond)
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

// The page begins with what a reader wants to know, in microseconds, whatever the figures are.
func TestBrief(t *testing.T) {
	r, e := &report{}, effort{rounds: 2}
	if err := libraryOf(t.Context(), r, e, "RS256"); err != nil {
		t.Fatal(err)
	}
	if _, err := routesOf(t.Context(), r, e, frameworks[3]); err != nil {
		t.Fatal(err)
	}
	briefRefreshes(&r.brief, []refreshed{{missing: errStatus}}) // a database that is not installed has no line
	head, rest, _ := strings.Cut(r.String(), "\n## How it was measured\n")
	for _, want := range []string{
		`\| oidcauth, a token that the guard has seen before \| \d+\.\d\d \|`, `\| oidcauth, a new token \| [\d.]+ \|`,
		`\| the signature check of the standard library alone \| [\d.]+ \|`, `\| go-oidc \| [\d.]+ \|`,
		`\| a guard adds to a request through chi \| -?[\d.]+ µs with a known token, -?[\d.]+ µs with a known session, [\d.]+ µs with a new token \|`,
		`verifies per second, RS256 \| \d+ \|`,
	} {
		if !regexp.MustCompile(want).MatchString(head) {
			t.Errorf("no %s before the tables:\n%s", want, head)
		}
	}
	if strings.Contains(head, "refreshes per second") || !strings.Contains(rest, "\n## Goals\n") {
		t.Error("a part that did not run has a line, or the goals are not behind it")
	}
}

// The report lists goals in order and marks those that are not met.
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
