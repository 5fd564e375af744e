package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// mostDisk is the free disk that mostRows need: some 8 GB of rows and indexes, the log, and what sorting takes.
const mostDisk = 16 << 30

// generating makes the rows from $1 to before $2, of $3 in all, as [spreadOut] does, but with 64 bytes of data: IDs rise, and are random
// except for their first seven bytes; four sessions of a person on average; 60 % of browsers, 38 % with refresh tokens. $4 is the time.
const generating = `
INSERT INTO oidcauth_sessions (id, kind, subject, owner, provider_session, started_ms, seen_ms, idle_ms, note, version, current_hash, last_hash,
	data, answer, rotated_ms, lease_ms, expires_ms, last_expiry_ms)
SELECT translate(rtrim(encode(substr(int8send(n * (72057594037927936 / $3::bigint)), 2) || substr(sha256(int8send(n)), 1, 25), 'base64'), '='), '+/', '-_'),
	kind, CASE kind WHEN 'once' THEN '' ELSE '` + issuer + ` ' || substr(encode(person, 'hex'), 1, 36) END,
	CASE kind WHEN 'once' THEN ''::bytea ELSE person END, CASE kind WHEN 'once' THEN ''::bytea ELSE sha256(person || int4send((n % 3)::int)) END,
	$4::bigint - (a * 86400000)::bigint, CASE kind WHEN 'browser' THEN $4::bigint - (b * 3600000)::bigint ELSE never END,
	CASE kind WHEN 'browser' THEN $4::bigint - (b * 3600000)::bigint + 43200000 ELSE never END, CASE kind WHEN 'browser' THEN person ELSE ''::bytea END,
	1, sha256(int8send(n)), ''::bytea, person || person, ''::bytea, never, never, $4::bigint + 3600000 + (c * 601200000)::bigint, never
FROM (
	SELECT n, a, b, c, CASE WHEN r < 0.6 THEN 'browser' WHEN r < 0.98 THEN 'token' ELSE 'once' END AS kind,
		sha256(int8send(floor(p * $3::bigint / 4)::bigint)) AS person, -62135596800000 AS never
	FROM (SELECT n, random() AS r, random() AS p, random() AS a, random() AS b, random() AS c FROM generate_series($1::bigint, $2::bigint - 1) AS n OFFSET 0) AS one OFFSET 0
) AS two`

// generators is how many connections make rows at the same time.
const generators = 2

// generateRows lets PostgreSQL make rows, which takes it a sixth of the time that it takes to receive them. The indexes other than that of
// the IDs, whose rows come in order, are made afterwards: row by row they would take three times as long.
func generateRows(ctx context.Context, db *sql.DB, rows int) (bytes int64, err error) {
	indexes, err := dropIndexes(ctx, db)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	errs := make([]error, generators)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = db.ExecContext(ctx, generating, i*rows/generators, (i+1)*rows/generators, rows, time.Now().UnixMilli())
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	if err := createIndexes(ctx, db, indexes); err != nil {
		return 0, err
	}
	// 8 bytes for each of seven times and the version.
	const average = `SELECT avg(length(id) + length(kind) + length(subject) + length(owner) + length(provider_session) + length(current_hash) +
		length(last_hash) + length(data) + length(answer) + length(note) + 8 * 8) * $1::bigint FROM oidcauth_sessions TABLESAMPLE SYSTEM (1)`
	var sum float64
	err = db.QueryRowContext(ctx, average, rows).Scan(&sum)
	return int64(sum), err
}

// dropIndexes drops the indexes but for that of the IDs, and returns the statements that make them again.
func dropIndexes(ctx context.Context, db *sql.DB) (statements []string, err error) {
	const query = `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'oidcauth_sessions' AND indexdef NOT LIKE 'CREATE UNIQUE%'`
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var drops []string
	for found.Next() {
		var name, statement string
		if err := found.Scan(&name, &statement); err != nil {
			return nil, err
		}
		drops, statements = append(drops, "DROP INDEX "+name), append(statements, statement)
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return nil, err
	}
	return statements, execute(ctx, db, drops)
}

// createIndexes uses one connection, whose setting lasts: sorting takes less time with more memory.
func createIndexes(ctx context.Context, db *sql.DB, statements []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range append([]string{"SET maintenance_work_mem = '512MB'"}, append(statements, "RESET maintenance_work_mem")...) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
