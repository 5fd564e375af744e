package sqlitestore

import (
	"path/filepath"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Every connection writes to disk before it says that it has.
func TestPragmas(t *testing.T) {
	opened, err := Open("sqlite:///" + filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	if err := opened.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		conn, err := opened.place.(*file).db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "100"} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
			}
		}
	}
}

// Data in memory outlives every connection that a cancelled statement takes with it.
func TestMemoryOutlivesConnections(t *testing.T) {
	opened, err := Open("sqlite://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	if err := opened.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := opened.AddKey(t.Context(), store.Key{Generation: 1}); err != nil {
		t.Fatal(err)
	}
	opened.place.(*memory).db.SetMaxIdleConns(0) // closes every connection that nobody holds
	if keys, err := opened.Keys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("keys: %v, %v", keys, err)
	}
}
