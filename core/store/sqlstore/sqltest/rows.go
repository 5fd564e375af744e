package sqltest

import (
	"context"
	"errors"
	"fmt"
	"testing" //nolint:depguard // for the tests of the store modules, and in nobody's program
	"time"

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
	must(t, opened.PutSession(ctx, store.Session{ID: "id", Expires: moment, Version: 1}))
	must(t, opened.Revoke(ctx, "id", 1, moment, moment))
	_, err := opened.Purge(ctx, moment)
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

// A session is prolonged while a purge is on its way to it.
func prolonged(t *testing.T, backend Backend) {
	handles := backend.Place(t)
	opened, other := backend.New(handles(t)), handles(t)
	must(t, opened.Init(t.Context()))
	must(t, opened.PutSession(t.Context(), store.Session{ID: "id", Expires: moment, Version: 1}))
	tx, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	execute(t, tx, fmt.Sprintf(`UPDATE oidcauth_sessions SET expires_ms = %d`, moment.Add(time.Hour).UnixMilli()))
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

// One call deletes 4,000 of a kind at most, and those after it the rest.
func boundedPurge(t *testing.T, backend Backend) {
	opened, db := ready(t, backend)
	const rows = 4_100
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	for n := range rows {
		execute(t, tx, fmt.Sprintf(`INSERT INTO oidcauth_revocations (id, at_ms, until_ms) VALUES ('%d', 1, 1)`, n))
	}
	must(t, tx.Commit())
	for _, want := range []int{4_000, 100, 0} {
		if removed, err := opened.Purge(t.Context(), moment); err != nil || removed != want {
			t.Errorf("removed %d, %v; want %d", removed, err, want)
		}
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
