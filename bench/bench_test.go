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

// Every reason has a goal and a text, and none hides another.
func TestNotes(t *testing.T) {
	all, err := reasons(notes)
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	for i, r := range all {
		if r.number < 1 || r.number > 13 || !strings.HasSuffix(r.text, ".") {
			t.Errorf("a reason for goal %d: %q", r.number, r.text)
		}
		for _, before := range all[:i] {
			if before.number == r.number && strings.Contains(r.words, before.words) {
				t.Errorf("[%d] %s is never used: [%d] %s is before it", r.number, r.words, before.number, before.words)
			}
		}
	}
	if _, err := reasons("[one] words\nA text.\n"); err == nil {
		t.Error("a reason without a number")
	}
}

// What is missed has its reason below the goals, once, or the page says that it has none.
func TestReasons(t *testing.T) {
	known, err := reasons("Not a reason.\n[2] of gin\nGin allocates.\nTwice.\n[2]\nThe others too.\n")
	if err != nil {
		t.Fatal(err)
	}
	r := new(report)
	for _, f := range []string{"gin", "echo", "chi"} {
		r.judge(2, "a hit of "+f, "3", f == "chi")
	}
	r.judge(5, "faster", "1", false)
	r.open(13, "tenants", "not built")
	text, without := explained(r.goals, known)
	if want := "- **2**, a hit of gin.\n  Gin allocates.\n  Twice.\n- **2**, a hit of echo.\n  The others too.\n- **5**, faster. **Not explained.**\n"; text != want {
		t.Errorf("got %s", text)
	}
	if len(without) != 1 || without[0].text != "faster" {
		t.Errorf("without a reason: %v", without)
	}
	if !strings.Contains(r.String(), "What is not met, and why, from profiles:") {
		t.Errorf("the page does not say why:\n%s", r)
	}
}

// Reasons that are changed are written into a page whose figures stay.
func TestReexplained(t *testing.T) {
	r := new(report)
	r.section("Things", "About things.")
	r.judge(4, "smaller", "1", true)
	r.judge(13, "faster", "1", false) // the notes have no reason for it
	before := r.String()
	known := []reason{{13, "fast", "Because."}}
	text, without, err := reexplained(before, known)
	if err != nil || len(without) > 0 || !strings.Contains(text, "- **13**, faster.\n  Because.\n\n## How") {
		t.Errorf("%v, without a reason %v:\n%s", err, without, text)
	}
	known[0].words = "slow"
	if again, without, err := reexplained(text, known); err != nil || len(without) != 1 || again != before {
		t.Errorf("%v, without a reason %v:\n%s", err, without, again)
	}
	if _, _, err := reexplained("# Another page\n", nil); err == nil {
		t.Error("a page without goals was explained")
	}
}

// The page in the repository says of each goal that it misses why, in the words of the notes.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), whyHead) {
		t.Skip("the page has no reasons below its goals: it is older than they are, or meets all")
	}
	known, err := reasons(notes)
	if err != nil {
		t.Fatal(err)
	}
	text, without, err := reexplained(string(page), known)
	if err != nil || len(without) > 0 || text != string(page) {
		t.Errorf("run go run ./bench -explain docs/performance.md: %v, without a reason: %v", err, without)
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

// The page begins with what a reader wants to know, in about ten lines, whatever the figures are.
func TestBrief(t *testing.T) {
	r, e := &report{}, effort{rounds: 2}
	if err := libraryOf(t.Context(), r, e, "RS256"); err != nil {
		t.Fatal(err)
	}
	r.brief.tell(rankMemory, "%d MB", 22)
	r.brief.tell(rankRoute, "gin 98 %%")
	r.brief.tell(rankRoute, "echo 97 %%")
	briefRefreshes(&r.brief, []refreshed{{missing: errStatus}}) // a database that is not installed has no line
	head, rest, _ := strings.Cut(r.String(), "\n## Goals\n")
	for _, want := range []string{
		`\| a new access token .* \| [\d.]+ µs, [\d.]+ x the signature check .*; beside it golang-jwt [\d.]+ x, go-oidc [\d.]+ x, go-jose [\d.]+ x, jwx v2 [\d.]+ x \|`,
		`\| the same token again, .* \| \d+\.\d\d µs from the cache; golang-jwt and go-oidc, .* take \d+ and \d+ times as long \|`,
		`(?s)\| a known token through .* \| gin 98 %; echo 97 % \|.*\| memory of an instance \| 22 MB \|`,
	} {
		if !regexp.MustCompile(want).MatchString(head) {
			t.Errorf("no %s before the goals:\n%s", want, head)
		}
	}
	if strings.Contains(head, "refreshes per second") || !strings.Contains(rest, "\n## How it was measured\n") {
		t.Error("a part that did not run has a line, or the method is not behind the goals")
	}
	if lines := strings.Count(head, "\n| "); len(questions) > 11 || lines > 12 {
		t.Errorf("%d lines of %d: too many to read first", lines, len(questions))
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
