package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

// explainer asks a database how it would carry out the store's statements.
type explainer struct {
	dialect func(sqlstore.Classify) sqlstore.Dialect
	explain string              // what is written before a statement
	scans   func([]string) bool // whether a row of a plan reads a whole table or index
	analyze []string
}

// mostExamined is how many rows MariaDB may expect to examine: more than any person's sessions, and than any batch of a purge.
const mostExamined = 1000

var (
	explainSQLite = &explainer{sqlstore.SQLite, "EXPLAIN QUERY PLAN ", func(row []string) bool {
		return strings.HasPrefix(row[3], "SCAN ") // SEARCH uses an index
	}, []string{"ANALYZE"}}
	explainPostgreSQL = &explainer{sqlstore.PostgreSQL, "EXPLAIN ", func(row []string) bool { return strings.Contains(row[0], "Seq Scan") },
		[]string{"ANALYZE oidcauth_sessions", "ANALYZE oidcauth_revocations"}}
	// The columns are id, select_type, table, type, possible_keys, key, key_len, ref and rows. The type is ALL where all rows are read, and
	// index where a whole index is.
	explainMariaDB = &explainer{sqlstore.MySQL, "EXPLAIN ", func(row []string) bool {
		rows, _ := strconv.Atoi(row[8]) // NULL where no table is read
		return row[3] == "ALL" || row[3] == "index" || rows > mostExamined
	}, []string{"ANALYZE TABLE oidcauth_sessions", "ANALYZE TABLE oidcauth_revocations"}}
)

// plans has what [explainer.plans] found.
type plans struct {
	statements int
	scanning   []string // the statements that read a whole table, with the row of their plan
}

// plans calls the methods of a store that find sessions and revocations, on the database of a handle, and asks for the plans of their
// statements. The table of keys is left out: it has a handful of rows.
func (x *explainer) plans(ctx context.Context, db *sql.DB) (found plans, err error) {
	seen := new(recorder)
	recorded := sql.OpenDB(seen.connector(db))
	defer func() { err = errors.Join(err, recorded.Close()) }()
	s := sqlstore.New(recorded, x.dialect(func(error) sqlstore.Fault { return sqlstore.Other }))
	if err := seekAll(ctx, s, func() error { return execute(ctx, db, x.analyze) }); err != nil {
		return found, err
	}
	statements := seen.all()
	for _, text := range slices.Sorted(maps.Keys(statements)) {
		if strings.HasPrefix(text, "INSERT") || strings.Contains(text, " oidcauth_keys ") {
			continue
		}
		rows, err := planOf(ctx, db, x.explain+text, statements[text])
		if err != nil {
			return found, fmt.Errorf("%s: %w", text, err)
		}
		found.statements++
		if slices.ContainsFunc(rows, x.scans) {
			found.scanning = append(found.scanning, fmt.Sprint(text, rows))
		}
	}
	return found, nil
}

// planOf returns the rows of a plan.
func planOf(ctx context.Context, db *sql.DB, statement string, args []any) (plan [][]string, err error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		cells, targets, row := make([]sql.NullString, len(columns)), make([]any, len(columns)), make([]string, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, cell := range cells {
			row[i] = cell.String
		}
		plan = append(plan, row)
	}
	return plan, rows.Err()
}

// someRevocations are enough for a database to prefer an index.
const someRevocations = 2000

// seekAll calls what finds sessions and revocations. ready is called before that, when there are some revocations.
func seekAll(ctx context.Context, db store.Store, ready func() error) error {
	now := time.Now()
	row := store.Session{
		ID: encode(random(32)), Kind: store.KindBrowser, Subject: issuer + " x", Owner: random(32), ProviderSession: random(32), Started: now, Seen: now,
		Idle: now.Add(time.Hour), Expires: now.Add(time.Hour),
	}
	if err := db.PutSession(ctx, row); err != nil {
		return err
	}
	for range someRevocations {
		if err := db.Revoke(ctx, encode(random(32)), 0, now.Add(-time.Hour), now.Add(time.Hour)); err != nil {
			return err
		}
	}
	if err := ready(); err != nil {
		return err
	}
	found, err := db.Session(ctx, row.ID, now)
	if err != nil {
		return err
	}
	_, revoked := db.Revoked(ctx, now, now)
	_, among := db.RevokedAmong(ctx, []string{row.ID, "other"}, now)
	_, ofOwner := db.SessionsOf(ctx, store.Selection{Owner: row.Owner}, now, 10)
	_, ofProvider := db.SessionsOf(ctx, store.Selection{ProviderSession: row.ProviderSession}, now, 10)
	touched := db.Touch(ctx, row.ID, now.Add(time.Second), now.Add(2*time.Hour))
	swapped := db.Swap(ctx, found)
	ended := db.Revoke(ctx, row.ID, found.Version+1, now, now.Add(time.Hour))
	if errors.Is(ended, store.ErrConflict) {
		ended = nil
	}
	_, purged := db.Purge(ctx, now.Add(-time.Hour))
	return errors.Join(revoked, among, ofOwner, ofProvider, touched, swapped, ended, purged)
}

// tellPlans writes whether the databases read whole tables: the last words of goal 11.
func tellPlans(r *report, all []refreshed) {
	const text = "nothing scans: no statement's plan reads a whole table or index"
	var figures []string
	scanning := false
	for _, found := range all {
		if found.plans.statements == 0 {
			continue
		}
		figures = append(figures, fmt.Sprintf("%s %d of %d", found.name, len(found.plans.scanning), found.plans.statements))
		scanning = scanning || len(found.plans.scanning) > 0
		for _, statement := range found.plans.scanning {
			r.note("%s reads a whole table: `%s`", found.name, statement)
		}
	}
	if len(figures) == 0 {
		r.open(11, text, "no database with plans was measured")
		return
	}
	r.judge(11, text, strings.Join(figures, ", "), !scanning)
}
