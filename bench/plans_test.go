package main

import (
	"database/sql"
	"strings"
	"testing"
)

// No statement of a store reads a whole table among ten thousand rows; without an index one does, and is found.
func TestPlans(t *testing.T) {
	for _, p := range places(t.TempDir()) {
		if p.explain == nil {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			w := newTestWorld(t, p)
			if _, err := w.fill(t.Context(), fewRows); err != nil {
				t.Fatal(err)
			}
			found, err := p.explain.plans(t.Context(), w.bare.db)
			if err != nil || found.statements < 10 || len(found.scanning) > 0 {
				t.Errorf("%d statements, these read a whole table: %v, %v", found.statements, found.scanning, err)
			}
			if err := dropOwners(t, p, w.bare.db); err != nil {
				t.Fatal(err)
			}
			found, err = p.explain.plans(t.Context(), w.bare.db)
			if err != nil || len(found.scanning) != 1 || !strings.Contains(found.scanning[0], "owner") {
				t.Errorf("without the index of owners, these read a whole table: %v, %v", found.scanning, err)
			}
		})
	}
}

func dropOwners(t *testing.T, p place, db *sql.DB) error {
	drop := "DROP INDEX oidcauth_sessions_owner"
	if p.name == "MariaDB" {
		drop += " ON oidcauth_sessions"
	}
	return execute(t.Context(), db, []string{drop})
}
