package sqltest

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing" //nolint:depguard // for the tests of the store modules, and in nobody's program
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// everything calls each method that can fail.
func everything(ctx context.Context, db store.Store) map[string]error {
	_, keys := db.Keys(ctx)
	_, session := db.Session(ctx, "id", time.Now())
	_, revoked := db.Revoked(ctx, time.Now(), time.Now())
	_, among := db.RevokedAmong(ctx, []string{"id"}, time.Now())
	_, sessionsOf := db.SessionsOf(ctx, store.Selection{Owner: []byte("o")}, time.Now(), 1)
	_, purge := db.Purge(ctx, time.Now())
	return map[string]error{
		"Init": db.Init(ctx), "AddKey": db.AddKey(ctx, store.Key{Generation: 1}), "RetireKey": db.RetireKey(ctx, 1, time.Now()),
		"Keys": keys, "PutSession": db.PutSession(ctx, store.Session{ID: "id"}), "Session": session, "Swap": db.Swap(ctx, store.Session{ID: "id"}),
		"Revoke": db.Revoke(ctx, "id", 0, time.Now(), time.Now()), "Revoked": revoked, "Purge": purge,
		"Touch": db.Touch(ctx, "id", time.Now(), time.Now()), "SessionsOf": sessionsOf, "RevokedAmong": among,
	}
}

// closedPort returns the address of a port that nothing listens on any more.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().String()
	must(t, listener.Close())
	return address
}

// No server: every method says so, and none tells the password.
func unreachable(t *testing.T, backend Backend) {
	if backend.Remote == nil {
		t.Skip("this database has no server")
	}
	db, err := store.Open(backend.Remote(closedPort(t)))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for name, err := range everything(t.Context(), db) {
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that never answers is left with the context.
func silent(t *testing.T, backend Backend) {
	if backend.Remote == nil {
		t.Skip("this database has no server")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	db, err := store.Open(backend.Remote(listener.Addr().String()))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	for name, err := range everything(ctx, db) {
		if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
