package sqltest

import (
	"database/sql"
	"errors"
	"fmt"
	"testing" //nolint:depguard // for the tests of the store modules, and in nobody's program
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// moment is when these tests play.
var moment = time.UnixMilli(1_700_000_000_123).UTC()

// migrator is goose as people use it who apply the migrations themselves.
func migrator(t testing.TB, backend Backend, db *sql.DB) *goose.Provider {
	t.Helper()
	provider, err := goose.NewProvider(backend.Dialect, db, backend.Migrations, goose.WithTableName("oidcauth_migrations"), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	return provider
}

// firstRelease writes rows as the first release did: a later schema has to take them, before and after its migration.
func firstRelease(t testing.TB, db *sql.DB, id string) {
	t.Helper()
	end := moment.Add(time.Hour).UnixMilli()
	execute(t, db,
		fmt.Sprintf(`INSERT INTO oidcauth_sessions (id, kind, subject, owner, provider_session, current_hash, last_hash, rotated_ms, lease_ms, expires_ms,
			started_ms, seen_ms, idle_ms, last_expiry_ms, version, note, data, answer)
			VALUES ('%s', 'token', 'issuer alice', '', '', '', '', 0, 0, %d, 0, 0, %d, 0, 7, '', '', '')`, id, end, end),
		fmt.Sprintf(`INSERT INTO oidcauth_revocations (id, at_ms, until_ms) VALUES ('%s', %d, %d)`, id, moment.UnixMilli(), end))
}

// everyVersion begins with each version that there ever was, none at all included.
func everyVersion(t *testing.T, backend Backend) {
	versions := []int64{0}
	for _, source := range migrator(t, backend, backend.Place(t)(t)).ListSources() {
		versions = append(versions, source.Version)
	}
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			db := backend.Place(t)(t)
			ids := []string{"after"}
			if version > 0 {
				_, err := migrator(t, backend, db).UpTo(t.Context(), version)
				must(t, err)
				firstRelease(t, db, "before")
				ids = append(ids, "before")
			}
			opened := backend.New(db)
			must(t, opened.Init(t.Context()))
			firstRelease(t, db, "after")
			for _, id := range ids {
				if session, err := opened.Session(t.Context(), id, moment); err != nil || session.Version != 7 || session.Subject != "issuer alice" {
					t.Errorf("session %s: %v, %+v", id, err, session)
				}
			}
			if list, err := opened.Revoked(t.Context(), moment, moment); err != nil || len(list) != len(ids) {
				t.Errorf("feed: %v, %+v", err, list)
			}
			if now, err := migrator(t, backend, db).GetDBVersion(t.Context()); err != nil || now != versions[len(versions)-1] {
				t.Errorf("version %d after Init, %v", now, err)
			}
		})
	}
}

// An instance of this release starts beside instances of a later one.
func laterSchema(t *testing.T, backend Backend) {
	opened, db := ready(t, backend)
	table, err := database.NewStore(backend.Dialect, "oidcauth_migrations")
	must(t, err)
	must(t, table.Insert(t.Context(), db, database.InsertRequest{Version: 999}))
	execute(t, db, `ALTER TABLE oidcauth_sessions ADD COLUMN later BIGINT NOT NULL DEFAULT 1`)
	must(t, opened.Init(t.Context()))
	must(t, opened.PutSession(t.Context(), store.Session{ID: "id", Expires: moment, Version: 1}))
}

// A table of the name is there already. Init says so, and works once it is gone.
func failedMigration(t *testing.T, backend Backend) {
	if !backend.Transactional {
		t.Skip("what a failed migration has made stays, and is taken up by the next")
	}
	db := backend.Place(t)(t)
	execute(t, db, `CREATE TABLE oidcauth_revocations (id INT)`)
	opened := backend.New(db)
	if err := opened.Init(t.Context()); err == nil {
		t.Fatal("Init with a stranger's table worked")
	}
	if _, err := opened.Keys(t.Context()); err == nil {
		t.Error("a table of the failed migration is there")
	}
	execute(t, db, `DROP TABLE oidcauth_revocations`)
	must(t, opened.Init(t.Context()))
}

// Before Init there are no tables, and each method says so.
func beforeInit(t *testing.T, backend Backend) {
	opened := backend.New(backend.Place(t)(t))
	_, keys := opened.Keys(t.Context())
	_, session := opened.Session(t.Context(), "id", moment)
	_, revoked := opened.Revoked(t.Context(), moment, moment)
	_, among := opened.RevokedAmong(t.Context(), []string{"id"}, moment)
	_, sessionsOf := opened.SessionsOf(t.Context(), store.Selection{ProviderSession: []byte("p")}, moment, 1)
	_, purge := opened.Purge(t.Context(), moment)
	for name, err := range map[string]error{
		"AddKey": opened.AddKey(t.Context(), store.Key{Generation: 1}), "RetireKey": opened.RetireKey(t.Context(), 1, moment),
		"Keys": keys, "PutSession": opened.PutSession(t.Context(), store.Session{ID: "id"}), "Session": session,
		"Swap": opened.Swap(t.Context(), store.Session{ID: "id"}), "Revoke": opened.Revoke(t.Context(), "id", 0, moment, moment),
		"Revoked": revoked, "Purge": purge, "Touch": opened.Touch(t.Context(), "id", moment, moment), "SessionsOf": sessionsOf, "RevokedAmong": among,
	} {
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s before Init: %v", name, err)
		}
	}
}
