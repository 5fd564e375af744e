package storetest

import (
	"flag"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// modelChecks try random sequences of calls. A failure is shrunk and printed with the seed that repeats it.
func modelChecks() []check {
	return []check{
		{"a store does what a map would", storeModel},
		{"rotation with a provider that rotates", func(t testing.TB, backend Backend) { rotationModel(t, backend, true) }},
		{"rotation with a provider that does not rotate", func(t testing.TB, backend Backend) { rotationModel(t, backend, false) }},
		{"sessions with a provider that rotates", func(t testing.TB, backend Backend) { sessionWalk(t, backend, true) }},
		{"sessions with a provider that does not rotate", func(t testing.TB, backend Backend) { sessionWalk(t, backend, false) }},
	}
}

// budget is how long one model is tried, unless the flag rapid.checks says how often: what a slow store does not get
// through, a fast one does. It is a second, and three where the environment variable CI is true.
func budget() time.Duration {
	if os.Getenv("CI") == "true" {
		return 3 * time.Second
	}
	return time.Second
}

func limited() bool {
	checks := flag.Lookup("rapid.checks")
	return checks.Value.String() == checks.DefValue
}

// explore checks a property by [rapid.Check] as often as its budget allows. A failure is examined without a limit.
func explore(t testing.TB, property func(*rapid.T)) {
	t.Helper()
	started, limit, failing, tried := time.Now(), budget(), false, 0
	rapid.Check(t, func(rt *rapid.T) {
		if limited() && !failing && time.Since(started) > limit {
			return
		}
		tried++
		passed := false
		defer func() { failing = failing || !passed }()
		property(rt)
		passed = !rt.Failed()
	})
	t.Logf("%d sequences in %v", tried, time.Since(started).Round(time.Millisecond))
}

// clearPlace empties a place between two sequences.
func clearPlace(t testing.TB, db store.Store) {
	t.Helper()
	keys, err := db.Keys(within(t))
	must(t, "Keys", err)
	for _, key := range keys {
		must(t, "RetireKey", db.RetireKey(within(t), key.Generation, after(0)))
	}
	purgeAll(t, db, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
}
