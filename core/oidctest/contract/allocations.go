package contract

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Allocations fails the test if a guard adds more than most allocations to a request with a cached token. It compares a request to a
// guarded handler with one to the same handler without a guard. Each of the two functions that serve returns makes one request with
// the given Authorization header in the calling goroutine and returns the status. The guarded route must be /guarded: Allocations
// checks that the log of a refused token names it.
func Allocations(t *testing.T, most float64, serve func(t *testing.T, auth *core.Auth) (bare, guarded func(authorization string) int)) {
	t.Helper()
	idp := oidctest.NewProvider(t)
	var log bytes.Buffer
	config := idp.Config()
	config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	bare, guarded := serve(t, auth)
	authorization := idp.Bearer("alice")
	if without, with, stranger := bare(authorization), guarded(authorization), guarded("Bearer x"); without != 200 || with != 200 || stranger != 401 {
		t.Fatalf("answers %d without a guard, %d with one, %d to a stranger", without, with, stranger)
	}
	if line := log.String(); !strings.Contains(line, "reason=malformed") || !strings.Contains(line, "/guarded") {
		t.Errorf("the log of the refusal does not name the route: %s", line)
	}
	count := func(serve func(string) int) float64 {
		return testing.AllocsPerRun(500, func() { serve(authorization) })
	}
	if added := count(guarded) - count(bare); added > most {
		t.Errorf("the guard adds %v allocations, want %v at most", added, most)
	}
}
