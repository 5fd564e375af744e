package sqlitestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
)

func TestURL(t *testing.T) {
	home, here := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Chdir(here)
	here, err := os.Getwd() // a temporary directory may be reached by a link
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite://":                       "",
		"sqlite:///":                      "",
		"sqlite:///:memory:":              "",
		"sqlite:///rel.db":                filepath.Join(here, "rel.db.key"),
		"sqlite:///./sub/rel.db":          filepath.Join(here, "sub", "rel.db.key"),
		"sqlite:////abs/x.db":             "/abs/x.db.key",
		"sqlite:///~/x.db":                filepath.Join(home, "x.db.key"),
		"sqlite+aiosqlite:////abs/x.db":   "/abs/x.db.key",
		"SQLITE:////abs/x.db":             "/abs/x.db.key",
		"sqlite:////abs/50%/with%20it.db": "/abs/50%/with%20it.db.key",
	} {
		db := storetest.OpenURL(t, url)
		local, ok := db.(store.Local)
		if !ok {
			t.Fatalf("%s: not local", url)
		}
		if path, ok := local.SecretFile(); !ok || path != want {
			t.Errorf("%s: secret file %q, %v; want %q", url, path, ok, want)
		}
	}
	if entries, err := os.ReadDir(here); err != nil || len(entries) > 0 {
		t.Errorf("opening has made %v, %v", entries, err)
	}
}

func TestWrongURL(t *testing.T) {
	for _, url := range []string{"sqlite://rel.db", "sqlite://user:secret@host/x.db", "sqlite:///x.db?mode=ro", "sqlite:///x.db#y", "sqlite:////dir/", "sqlite:///a\x00b"} {
		if db, err := store.Open(url); err == nil {
			t.Errorf("%s: %v", url, db)
		}
	}
}

func TestHandleIsNotLocal(t *testing.T) {
	if path, ok := sqlitestore.New(handle(t, newFile(t))).SecretFile(); ok || path != "" {
		t.Errorf("secret file %q, %v", path, ok)
	}
}

// Paths go through a URL on their way to SQLite.
func TestStrangePath(t *testing.T) {
	for _, name := range []string{"a b", "50%", "%41", "&x=y", "ü", "it's", "a+b"} {
		path := filepath.Join(t.TempDir(), name, name+".db")
		if err := storetest.OpenURL(t, "sqlite:///"+path).Init(t.Context()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
