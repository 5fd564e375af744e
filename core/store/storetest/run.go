package storetest

import (
	"os"
	"strconv"
	"testing"
)

// group is a part of the suite.
type group struct {
	name   string
	checks []check
	alone  bool // its checks are for timing or load: none beside another
}

// check is one statement about stores. It takes a [testing.TB] so that the tests of this package can see it fail.
type check struct {
	name string
	do   func(t testing.TB, backend Backend)
}

// groups is the suite, in the order of its runs.
func groups() []group {
	return []group{
		{name: "values", checks: valueChecks()},
		{name: "time", checks: timeChecks()},
		{name: "conflicts", checks: conflictChecks()},
		{name: "revocations", checks: revocationChecks()},
		{name: "touch", checks: touchChecks()},
		{name: "selections", checks: selectionChecks()},
		{name: "contexts", checks: contextChecks()},
		{name: "handles", checks: handleChecks()},
		{name: "purge", checks: purgeChecks()},
		{name: "races", checks: raceChecks(), alone: true},
		{name: "models", checks: modelChecks(), alone: true},
		{name: "outage", checks: outageChecks()},
	}
}

// Run tests a store against the contract of [store.Store], and then runs [Soak]. The environment variable OIDCAUTH_SOAK_ROUNDS is the
// number of rounds of Soak; the default is 20.
func Run(t *testing.T, backend Backend) {
	t.Helper()
	for _, group := range groups() {
		t.Run(group.name, func(t *testing.T) {
			for _, check := range group.checks {
				t.Run(check.name, func(t *testing.T) {
					if !group.alone {
						t.Parallel()
					}
					check.do(t, backend)
				})
			}
		})
	}
	t.Run("soak", func(t *testing.T) { Soak(t, backend, soakRounds(t)) })
}

func soakRounds(t testing.TB) int {
	text := os.Getenv("OIDCAUTH_SOAK_ROUNDS")
	if text == "" {
		return 20
	}
	rounds, err := strconv.Atoi(text)
	if err != nil || rounds < 0 {
		t.Fatalf("OIDCAUTH_SOAK_ROUNDS is not a number of rounds: %q", text)
	}
	return rounds
}
