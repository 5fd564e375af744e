package soak

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// figures are the report.
type figures struct {
	Store, Length                                                                                        string
	Verified, Refreshed, RefusedInOutages, TakenAlongByKills, Logins, Logouts, KeyRotations, RefusedGone int64
	VerifiedPerSecond, RefreshedPerSecond                                                                float64
	ProviderOutages, StoreOutages, Kills                                                                 int
	SessionsLost, LostToKills, AliveAfterLogout                                                          int64
	Forgotten                                                                                            int64   // sessions in use that an instance did not have in memory when the store failed
	HeapMB, RSSMB, HeapSlope, RSSSlope                                                                   float64 // at the end of the load; MB per hour after the warm-up
	WarmHeapMB, WarmRSSMB                                                                                float64 // after the warm-up
	JudgedMinutes                                                                                        float64 // over which the slopes were taken
	Goroutines                                                                                           [2]int  // at rest, before and after
	Violations                                                                                           map[string]int
}

// progress says in a line how it goes.
func (r *run) progress() {
	f := r.figures()
	r.say("%d verified (%.0f/s), %d refreshed (%.1f/s), %d logins, %d logouts; heap %.1f MB, RSS %.0f MB, %d goroutines; %d lost, %d alive after logout, violations %v",
		f.Verified, f.VerifiedPerSecond, f.Refreshed, f.RefreshedPerSecond, f.Logins, f.Logouts, f.HeapMB, f.RSSMB, r.samples[len(r.samples)-1].Goroutines,
		f.SessionsLost, f.AliveAfterLogout, f.Violations)
}

func (r *run) figures() figures {
	c := &r.count
	f := figures{
		Store: r.name, Length: r.length.String(), Verified: c.verified.Load(), Refreshed: c.refreshed.Load(), RefusedInOutages: c.refused.Load(), TakenAlongByKills: c.unheard.Load(),
		Logins: c.logins.Load(), Logouts: c.logouts.Load(), KeyRotations: c.rotations.Load(), RefusedGone: c.refusedGone.Load(),
		SessionsLost: c.lost.Load(), LostToKills: c.lostToKills.Load(), AliveAfterLogout: c.alive.Load(), Forgotten: c.forgotten.Load(), Goroutines: r.atRest,
	}
	var away [parts]time.Duration
	f.ProviderOutages, away[provider] = r.board.count(provider)
	f.StoreOutages, away[store] = r.board.count(store)
	f.Kills, away[process] = r.board.count(process)
	loaded := min(time.Since(r.begun), r.length)
	f.VerifiedPerSecond = float64(cmp.Or(r.loaded[0], f.Verified)) / loaded.Seconds()
	f.RefreshedPerSecond = float64(cmp.Or(r.loaded[1], f.Refreshed)) / max(loaded-away[provider]-away[store], time.Second).Seconds()
	f.Violations = r.violations.all()
	if n := len(r.samples); n > 0 {
		f.HeapMB, f.RSSMB = heapMB(r.samples[n-1]), rssMB(r.samples[n-1])
	}
	if warm := r.warm(); len(warm) > 0 {
		f.WarmHeapMB, f.WarmRSSMB = heapMB(warm[0]), rssMB(warm[0])
		f.HeapSlope, f.RSSSlope, f.JudgedMinutes = slope(warm, heapMB), slope(warm, rssMB), warm[len(warm)-1].At.Sub(warm[0].At).Minutes()
	}
	return f
}

// report says what was found, writes it into a file, and fails the test if anything must not be.
func (r *run) report() {
	r.judgeFigures(r.figures())
	f := r.figures()
	text, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "report.json"), append(text, '\n'), 0o644)
	}
	samples, errSamples := json.Marshal(r.samples)
	if errSamples == nil {
		errSamples = os.WriteFile(filepath.Join(r.dir, "samples.json"), samples, 0o644)
	}
	if err != nil || errSamples != nil {
		r.t.Error(err, errSamples)
	}
	r.say("%s", text)
	counts := r.violations.all()
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		r.t.Errorf("%s: %d, see above", kind, counts[kind])
	}
}

// judgeFigures records what the figures say. In CI the rates are not judged: what runs beside it there is not known.
func (r *run) judgeFigures(f figures) {
	long := f.JudgedMinutes >= judgedSpan.Minutes()
	for what, bad := range map[string]bool{
		fmt.Sprintf("the heap grows by %.1f MB an hour, %.1f are allowed", f.HeapSlope, maxHeapSlope):                long && f.HeapSlope > maxHeapSlope,
		fmt.Sprintf("the RSS grows by %.1f MB an hour, %.1f are allowed", f.RSSSlope, maxRSSSlope):                   long && f.RSSSlope > maxRSSSlope,
		fmt.Sprintf("the heap has %.1f MB, %d are allowed", f.HeapMB, maxHeap>>20):                                   f.HeapMB > maxHeap>>20,
		fmt.Sprintf("%d goroutines at rest, %d before", f.Goroutines[1], f.Goroutines[0]):                            f.Goroutines[1] > f.Goroutines[0]+maxGoroutines,
		fmt.Sprintf("%d sessions were lost at %d kills", f.LostToKills, f.Kills):                                     f.LostToKills > f.TakenAlongByKills+2*int64(f.Kills),
		fmt.Sprintf("%d sessions in use were not in memory at %d outages of the store", f.Forgotten, f.StoreOutages): f.Forgotten > 1+int64(f.StoreOutages)/5,
		fmt.Sprintf("no outage or kill was seen: %d, %d, %d", f.ProviderOutages, f.StoreOutages, f.Kills):            f.ProviderOutages == 0 || f.StoreOutages == 0 || f.Kills == 0,
		fmt.Sprintf("%.0f verifications and %.1f refreshes a second", f.VerifiedPerSecond, f.RefreshedPerSecond): os.Getenv("CI") != "true" &&
			(f.VerifiedPerSecond < verifications/2 || f.RefreshedPerSecond < refreshes/2),
	} {
		if bad {
			r.violation("figures", "%s", what)
		}
	}
}
