package contract

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Allocations compares a request to a handler behind a guard with a request to the same handler without one. For a cached token
// the guard may add at most most allocations. The function that serve returns answers one request in this goroutine, with this
// Authorization header, and returns the status. The guarded route is /guarded: the log of a refused token names it.
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
