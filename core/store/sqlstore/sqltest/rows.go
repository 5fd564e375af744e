package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing" //nolint:depguard // for the tests of the store modules, and in nobody's program
	"time"

	"github.com/pressly/goose/v3"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A handle with one connection is enough: nothing takes a second one while it has the first.
func oneConnection(t *testing.T, backend Backend) {
	db := backend.Place(t)(t)
	db.SetMaxOpenConns(1)
	opened := backend.New(db)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, opened.Init(ctx))
	must(t, opened.PutSession(ctx, store.Session{ID: "id", Owner: []byte("o"), Expires: moment, Version: 1}))
	must(t, opened.Touch(ctx, "id", moment, moment.Add(time.Hour)))
	must(t, opened.Touch(ctx, "id", moment, moment.Add(time.Hour))) // which has nothing to move, and looks
	_, err := opened.SessionsOf(ctx, store.Selection{Owner: []byte("o")}, moment, 1)
	must(t, err)
	must(t, opened.Revoke(ctx, "id", 1, moment, moment))
	_, err = opened.RevokedAmong(ctx, []string{"id"}, moment)
	must(t, err)
	_, err = opened.Purge(ctx, moment)
	must(t, err)
}

// A transaction has changed a row and does not commit. Other callers wait for the row, no longer than their context. A
// server may carry out later what a caller that has gone had asked for, whole.
func heldRow(t *testing.T, backend Backend) {
	handles := backend.Place(t)
	opened, other := backend.New(handles(t)), handles(t)
	must(t, opened.Init(t.Context()))
	session := store.Session{ID: "id", Expires: moment, Version: 1}
	must(t, opened.PutSession(t.Context(), session))
	tx, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	execute(t, tx, `UPDATE oidcauth_sessions SET lease_ms = 5`)
	for name, wait := range map[string]func(context.Context) error{
		"Swap":   func(ctx context.Context) error { return opened.Swap(ctx, session) },
		"Revoke": func(ctx context.Context) error { return opened.Revoke(ctx, "id", 1, moment, moment) },
		"Touch":  func(ctx context.Context) error { return opened.Touch(ctx, "id", moment, moment) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	must(t, tx.Rollback())
	if err := opened.Swap(t.Context(), session); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
	if list, err := opened.Revoked(t.Context(), moment, moment.Add(-1)); err != nil || len(list) != 0 {
		t.Errorf("feed %+v, %v: the transaction that was given up is in it", list, err)
	}
}

// A session is prolonged while a purge is on its way to it, by either of its ends.
func prolonged(t *testing.T, backend Backend) {
	t.Run("Expires", func(t *testing.T) {
		prolongedBy(t, backend, "expires_ms", store.Session{ID: "id", Expires: moment, Version: 1})
	})
	t.Run("Idle", func(t *testing.T) {
		prolongedBy(t, backend, "idle_ms", store.Session{ID: "id", Expires: moment.Add(time.Hour), Idle: moment, Version: 1})
	})
}

func prolongedBy(t *testing.T, backend Backend, column string, session store.Session) {
	t.Helper()
	handles := backend.Place(t)
	opened, other := backend.New(handles(t)), handles(t)
	must(t, opened.Init(t.Context()))
	must(t, opened.PutSession(t.Context(), session))
	tx, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	execute(t, tx, fmt.Sprintf(`UPDATE oidcauth_sessions SET %s = %d`, column, moment.Add(time.Hour).UnixMilli()))
	purged := make(chan error, 1)
	go func() { _, err := opened.Purge(t.Context(), moment); purged <- err }()
	select {
	case err = <-purged:
		purged <- err
	case <-time.After(50 * time.Millisecond): // it waits for the row, or has not come to it; either way nothing may go
	}
	must(t, tx.Commit())
	must(t, <-purged)
	if _, err := opened.Session(t.Context(), "id", moment); err != nil {
		t.Errorf("the session that was prolonged: %v", err)
	}
}

// One call deletes 4,000 of a kind at most, and those after it the rest; also if the database believes that none has ended.
func boundedPurge(t *testing.T, backend Backend) {
	opened, db := ready(t, backend)
	revocations(t, db, "live", 5_000, moment.Add(time.Hour))
	statistics := `ANALYZE oidcauth_revocations`
	if backend.Dialect == goose.DialectMySQL {
		statistics = `ANALYZE TABLE oidcauth_revocations`
	}
	execute(t, db, statistics)
	revocations(t, db, "ended", 4_100, moment)
	for _, want := range []int{4_000, 100, 0} {
		if removed, err := opened.Purge(t.Context(), moment); err != nil || removed != want {
			t.Errorf("removed %d, %v; want %d", removed, err, want)
		}
	}
}

// revocations adds some to the feed, a hundred in one statement.
func revocations(t testing.TB, db *sql.DB, name string, rows int, until time.Time) {
	t.Helper()
	for n := 0; n < rows; n += 100 {
		var values []string
		for i := range 100 {
			values = append(values, fmt.Sprintf(`('%s %d', 1, %d)`, name, n+i, until.UnixMilli()))
		}
		execute(t, db, `INSERT INTO oidcauth_revocations (id, at_ms, until_ms) VALUES `+strings.Join(values, ", "))
	}
}

// strange are texts that come in no harmless form.
var strange = []string{
	"", " ", "a\x00b", "\x00", "\xff\xfe", `\x`, `\x61`, `\xzz`, `\`, "%", "?", "$1", "'; DROP TABLE oidcauth_keys; --", "日本語 ✓", "\U0001F511", "a\u0000",
}

func strangeTexts(t *testing.T, backend Backend) {
	opened, _ := ready(t, backend)
	for n, text := range strange {
		must(t, opened.PutSession(t.Context(), store.Session{ID: text, Subject: text, Expires: moment.Add(time.Hour), Version: 1}))
		must(t, opened.AddKey(t.Context(), store.Key{Generation: int64(n), ID: text}))
		if session, err := opened.Session(t.Context(), text, moment); err != nil || session.ID != text || session.Subject != text {
			t.Errorf("%q: %v, %+v", text, err, session)
		}
		if err := opened.PutSession(t.Context(), store.Session{ID: text, Version: 1}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%q once more: %v", text, err)
		}
	}
	keys, err := opened.Keys(t.Context())
	must(t, err)
	for n, key := range keys {
		if key.ID != strange[n] {
			t.Errorf("key %q, want %q", key.ID, strange[n])
		}
	}
	for _, text := range strange {
		must(t, opened.Revoke(t.Context(), text, 1, moment, moment.Add(time.Hour)))
	}
	if list, err := opened.Revoked(t.Context(), moment, moment); err != nil || len(list) != len(strange) {
		t.Errorf("feed of %d, %v", len(list), err)
	}
}

func nearIDs(t *testing.T, backend Backend) {
	opened, _ := ready(t, backend)
	near := []string{"a", "A", "a ", "a\t", "ä", "a\u0308", "å", "ａ", "á"}
	for n, id := range near {
		must(t, opened.PutSession(t.Context(), store.Session{ID: id, Expires: moment.Add(time.Hour), Version: int64(n + 1)}))
	}
	for n, id := range near {
		if session, err := opened.Session(t.Context(), id, moment); err != nil || session.Version != int64(n+1) {
			t.Errorf("%q: %v, version %d", id, err, session.Version)
		}
	}
}
