package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// columns lists the columns of a row, in the order of the statements below.
const columns = "id, kind, subject, owner, provider_session, started_ms, seen_ms, idle_ms, note, version, " +
	"current_hash, last_hash, data, answer, rotated_ms, lease_ms, expires_ms, last_expiry_ms"

// bareStatements has the differences between the three databases.
type bareStatements struct {
	numbered       bool     // placeholders are $1, $2
	connections    int      // as many as the store has
	settling, size []string // the last result of size is the bytes
}

func bareSQLite(url string) (*bare, error) {
	source := "file:" + sqlitePath(url) + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(%s)&_pragma=cache_size(%d)"
	db, err := sql.Open("sqlite", fmt.Sprintf(source, "FULL", -2000))
	if err != nil {
		return nil, err
	}
	writing, err := sql.Open("sqlite", fmt.Sprintf(source, "FULL", -2000))
	if err != nil {
		return nil, err
	}
	// A flush per two hundred new rows would take hours, and pages that do not fit into memory would be rewritten many times.
	adding, err := sql.Open("sqlite", fmt.Sprintf(source, "OFF", -256_000))
	if err != nil {
		return nil, err
	}
	b, err := newBareSQL(db, writing, adding, bareStatements{
		connections: 4,
		settling:    []string{"PRAGMA wal_checkpoint(TRUNCATE)"},
		size:        []string{"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"},
	})
	if err == nil {
		b.adders = 1
		writing.SetMaxOpenConns(1) // more connections would only block each other
	}
	return b, err
}

func barePostgreSQL(url string) (*bare, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	b, err := newBareSQL(db, db, db, bareStatements{
		numbered: true, connections: 16,
		settling: []string{"VACUUM ANALYZE oidcauth_sessions", "CHECKPOINT"},
		size:     []string{"SELECT pg_total_relation_size('oidcauth_sessions')"},
	})
	if err == nil {
		b.generate = func(ctx context.Context, rows int) (int64, error) { return generateRows(ctx, db, rows) }
	}
	return b, err
}

func bareMariaDB(url string) (*bare, error) {
	host, user, password, database := address(url)
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, host, database))
	if err != nil {
		return nil, err
	}
	return newBareSQL(db, db, db, bareStatements{
		connections: 16,
		settling:    []string{"ANALYZE TABLE oidcauth_sessions"},
		size: []string{
			"ANALYZE TABLE oidcauth_sessions",
			"SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'oidcauth_sessions'",
		},
	})
}

// newBareSQL prepares the statements on three handles, which may be the same.
func newBareSQL(db, writing, adding *sql.DB, s bareStatements) (*bare, error) {
	for _, handle := range []*sql.DB{db, writing, adding} {
		handle.SetMaxOpenConns(s.connections)
		handle.SetMaxIdleConns(s.connections)
	}
	read, err := db.Prepare(s.text("SELECT " + columns + " FROM oidcauth_sessions WHERE id = ? AND expires_ms > ?"))
	if err != nil {
		return nil, err
	}
	write, err := writing.Prepare(s.text("UPDATE oidcauth_sessions SET version = ?, current_hash = ?, last_hash = ?, data = ?, answer = ?, " +
		"rotated_ms = ?, lease_ms = ?, expires_ms = ?, last_expiry_ms = ? WHERE id = ? AND version = ?"))
	if err != nil {
		return nil, err
	}
	// The index has the order of the result: see the migrations of the stores.
	list, err := db.Prepare(s.text("SELECT " + strings.ReplaceAll(columns, "data, answer, ", "") + " FROM oidcauth_sessions WHERE owner = ? AND length(owner) > 0 " +
		"AND expires_ms > ? AND (idle_ms > ? OR idle_ms = -62135596800000) ORDER BY started_ms DESC LIMIT 1000"))
	if err != nil {
		return nil, err
	}
	row := "(?" + strings.Repeat(", ?", strings.Count(columns, ",")) + ")"
	add, err := adding.Prepare(s.text("INSERT INTO oidcauth_sessions (" + columns + ") VALUES " +
		strings.Repeat(row+", ", batch-1) + row))
	if err != nil {
		return nil, err
	}
	return &bare{
		read:   func(ctx context.Context, id string) error { return readRow(read.QueryRowContext(ctx, id, 0)) },
		write:  func(ctx context.Context, row store.Session) error { return writeRow(ctx, write, row) },
		list:   func(ctx context.Context, owner []byte) (int, error) { return listRows(ctx, list, owner) },
		add:    func(ctx context.Context, rows []store.Session) error { return addRows(ctx, add, rows) },
		adders: 4,
		settle: func(ctx context.Context) error { return execute(ctx, db, s.settling) },
		size: func(ctx context.Context) (n int64, err error) {
			last := len(s.size) - 1
			if err := execute(ctx, db, s.size[:last]); err != nil {
				return 0, err
			}
			return n, db.QueryRowContext(ctx, s.size[last]).Scan(&n)
		},
		db:    db,
		close: func() error { return errors.Join(db.Close(), writing.Close(), adding.Close()) },
	}, nil
}

// text replaces question marks with the placeholders of the database.
func (s bareStatements) text(statement string) string {
	if !s.numbered {
		return statement
	}
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			fmt.Fprintf(&b, "$%d", i)
		}
		b.WriteString(part)
	}
	return b.String()
}

func readRow(row *sql.Row) error {
	var r store.Session
	var seen, idle, rotated, lease, expires, started, lastExpiry int64
	return row.Scan(&r.ID, &r.Kind, &r.Subject, &r.Owner, &r.ProviderSession, &started, &seen, &idle, &r.Note, &r.Version,
		&r.Current, &r.Last, &r.Data, &r.Answer, &rotated, &lease, &expires, &lastExpiry)
}

func listRows(ctx context.Context, statement *sql.Stmt, owner []byte) (n int, err error) {
	now := time.Now().UnixMilli()
	rows, err := statement.QueryContext(ctx, owner, now, now)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	var r store.Session
	var seen, idle, rotated, lease, expires, started, lastExpiry int64
	for ; rows.Next(); n++ {
		if err := rows.Scan(&r.ID, &r.Kind, &r.Subject, &r.Owner, &r.ProviderSession, &started, &seen, &idle, &r.Note, &r.Version,
			&r.Current, &r.Last, &rotated, &lease, &expires, &lastExpiry); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

func writeRow(ctx context.Context, statement *sql.Stmt, row store.Session) error {
	result, err := statement.ExecContext(ctx, append(append([]any{row.Version + 1}, changing(row)...), row.ID, row.Version)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errNoRow, err)
	}
	return nil
}

func addRows(ctx context.Context, statement *sql.Stmt, rows []store.Session) error {
	var values []any
	for _, row := range rows {
		values = append(append(values, row.ID), lasting(row)...)
		values = append(append(values, row.Version), changing(row)...)
	}
	_, err := statement.ExecContext(ctx, values...)
	return err
}

func execute(ctx context.Context, db *sql.DB, statements []string) error {
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
