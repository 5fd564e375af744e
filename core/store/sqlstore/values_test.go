package sqlstore

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"
)

func TestTimes(t *testing.T) {
	if got := moment(millis(time.Time{})); !got.IsZero() || got.Location() != time.UTC {
		t.Errorf("the zero time comes back as %v", got)
	}
	at := time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.FixedZone("", 3600))
	if got := moment(millis(at)); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("%v comes back as %v", at, got)
	}
	if got := moment(0); !got.Equal(time.Unix(0, 0)) || got.IsZero() {
		t.Errorf("the beginning of Unix time comes back as %v", got)
	}
}

// Every string comes back, and is stored as one that every text column takes; two strings are never stored as one.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "id", "\x00", "\xff", `\x`, `\x00`, `\x0`, "日本語"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stored := text(s)
		if !utf8.ValidString(stored) || strings.Contains(stored, "\x00") {
			t.Errorf("%q is stored as %q", s, stored)
		}
		if got := untext(stored); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}

func TestPlaceholders(t *testing.T) {
	const statement = `UPDATE t SET a = ?, b = ? WHERE c = ?`
	if got := MySQL(nil).placeholders(statement); got != statement {
		t.Errorf("MySQL: %s", got)
	}
	if got := PostgreSQL(nil).placeholders(statement); got != `UPDATE t SET a = $1, b = $2 WHERE c = $3` {
		t.Errorf("PostgreSQL: %s", got)
	}
}

// Every dialect has the same migrations, under the same names.
func TestMigrations(t *testing.T) {
	for _, dialect := range []Dialect{SQLite(nil), PostgreSQL(nil), MySQL(nil)} {
		if err := fstest.TestFS(dialect.Migrations(), "00001_broker.sql"); err != nil {
			t.Errorf("%s: %v", dialect.folder, err)
		}
	}
}
