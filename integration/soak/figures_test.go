package soak

import (
	"math"
	"testing"
	"time"
)

// Every event comes at least once in the shortest run, and as often as it should in a long one.
func TestPlan(t *testing.T) {
	for whole, least := range map[time.Duration][parts]int{20 * time.Second: {1, 1, 1}, 2 * time.Minute: {1, 1, 1}, 10 * time.Minute: {1, 1, 1}, time.Hour: {14, 14, 5}} {
		events, lasts := plan(whole)
		var counts [parts]int
		for n, e := range events {
			counts[e.part]++
			if next := n + 1; next < len(events) && events[next].at-e.at < 2*lasts {
				t.Errorf("%s: %s at %s and the next event at %s", whole, e.part, e.at, events[next].at)
			}
			if e.at+lasts > whole {
				t.Errorf("%s: %s at %s is not over at the end", whole, e.part, e.at)
			}
		}
		for part, n := range counts {
			if n < least[part] {
				t.Errorf("%s: %d events of %s, want %d", whole, n, parts, least[part])
			}
		}
	}
}

func TestSlope(t *testing.T) {
	begin := time.Now()
	at := func(minutes int, mb float64) sample {
		return sample{begin.Add(time.Duration(minutes) * time.Minute), usage{Heap: uint64(mb * (1 << 20))}}
	}
	for want, samples := range map[float64][]sample{
		0: {at(0, 10), at(30, 12), at(60, 10)}, 6: {at(0, 1), at(30, 4), at(60, 7)}, -2: {at(0, 3), at(60, 1)},
	} {
		if got := slope(samples, heapMB); math.Abs(got-want) > 1e-3 {
			t.Errorf("%f, want %f", got, want)
		}
	}
}

// Each figure that must not be fails the run.
func TestJudgeFigures(t *testing.T) {
	t.Setenv("CI", "")
	good := figures{
		VerifiedPerSecond: verifications, RefreshedPerSecond: refreshes, ProviderOutages: 14, StoreOutages: 14, Kills: 5, LostToKills: 3, TakenAlongByKills: 3,
		HeapMB: 20, HeapSlope: 1, RSSSlope: 1, JudgedMinutes: 40, Goroutines: [2]int{13, 13},
	}
	for name, c := range map[string]struct {
		change func(*figures)
		bad    int
	}{
		"good":                {func(*figures) {}, 0},
		"heap grows":          {func(f *figures) { f.HeapSlope = 7 }, 1},
		"RSS grows":           {func(f *figures) { f.RSSSlope = 31 }, 1},
		"sessions forgotten":  {func(f *figures) { f.Forgotten = 4 }, 1},
		"too short to tell":   {func(f *figures) { f.HeapSlope, f.RSSSlope, f.JudgedMinutes = 700, 700, 1 }, 0},
		"large":               {func(f *figures) { f.HeapMB = 101 }, 1},
		"goroutines":          {func(f *figures) { f.Goroutines[1] = 24 }, 1},
		"lost to kills":       {func(f *figures) { f.LostToKills = 14 }, 1},
		"no kill":             {func(f *figures) { f.Kills, f.LostToKills = 0, 0 }, 1},
		"slow":                {func(f *figures) { f.VerifiedPerSecond = 999 }, 1},
		"few refreshes":       {func(f *figures) { f.RefreshedPerSecond = 24 }, 1},
		"no outage at stores": {func(f *figures) { f.StoreOutages = 0 }, 1},
	} {
		f, r := good, &run{t: t}
		c.change(&f)
		r.judgeFigures(f)
		if counts := r.violations.all(); counts["figures"] != c.bad {
			t.Errorf("%s: %v", name, counts)
		}
	}
}

// What the outage contract has not is recorded, at the wrong time too.
func TestJudge(t *testing.T) {
	now := time.Now()
	answers := func(status int, retry string) *answer {
		return &answer{on: new(instance), from: now, to: now.Add(time.Millisecond), status: status, header: map[string][]string{"Retry-After": {retry}}}
	}
	for name, c := range map[string]struct {
		kind string
		a    *answer
		away []part
		held bool
		want verdict
	}{
		"healthy":                       {"token at a guard", answers(200, ""), nil, false, healthy},
		"refused":                       {"token at a guard", answers(401, ""), []part{store, provider}, false, broken},
		"a guard without the store":     {"token at a guard", answers(503, "2"), []part{store}, false, broken},
		"a session that is not known":   {"session new to an instance", answers(503, "2"), []part{store}, false, announced},
		"a session that is known":       {"session at a guard", answers(503, "2"), []part{store}, false, broken},
		"a refresh without the store":   {"refresh", answers(503, "2"), []part{store}, false, announced},
		"without an outage":             {"refresh", answers(503, "2"), nil, false, broken},
		"in another outage":             {"refresh", answers(503, "10"), []part{store}, false, broken},
		"without a time to come again":  {"refresh", answers(503, ""), []part{store, provider}, false, broken},
		"without the provider":          {"refresh", answers(503, "10"), []part{provider}, false, announced},
		"an answer that is of no use":   {"refresh", answers(502, ""), []part{provider}, false, announced},
		"behind another, then":          {"refresh", answers(503, "1"), []part{provider}, false, broken},
		"behind another":                {"refresh", answers(503, "1"), nil, false, broken},
		"a guard behind another":        {"token at a guard", answers(503, "1"), []part{provider}, false, broken},
		"a lease of a killed instance":  {"refresh", answers(503, "1"), nil, true, announced},
		"no answer":                     {"refresh", answers(0, ""), []part{process}, false, broken},
		"alive after a logout":          {"gone", answers(200, ""), nil, false, broken},
		"gone, and nobody knows so now": {"gone", answers(503, "2"), []part{store}, false, announced},
	} {
		r := &run{t: t}
		for _, p := range c.away {
			r.board.begin(p)
			r.board.outages[len(r.board.outages)-1].from = now
		}
		got := r.judge(c.kind, c.a, c.held)
		if counts := r.violations.all(); got != c.want || (got == broken) != (len(counts) == 1) {
			t.Errorf("%s: %d, want %d: %v", name, got, c.want, counts)
		}
	}
}
