package sqlitestore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// FuzzURL: opening touches no file, and what is taken names a file by its whole path, or memory.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"", "/", "/:memory:", "/x.db", "//abs/x.db", "/~/x.db", "/~", "/../../x.db", "//a/../x.db", "/x.db?mode=ro", "/a\x00b", "host/x.db", "user:secret-word@host/x.db", "//dir/", "/%2e%2e/x", "/file:x"} {
		f.Add(rest)
	}
	here := f.TempDir()
	f.Chdir(here)
	f.Fuzz(func(t *testing.T, rest string) {
		db, err := store.Open("sqlite://" + rest)
		if err != nil {
			if len(rest) > 12 && strings.Contains(err.Error(), rest) {
				t.Errorf("%q: %v", rest, err)
			}
			return
		}
		local, ok := db.(store.Local)
		if !ok {
			t.Fatalf("%q: not local", rest)
		}
		if path, ok := local.SecretFile(); !ok || path != "" && (!filepath.IsAbs(path) || !strings.HasSuffix(path, ".key") || strings.ContainsAny(path, "?#\x00")) {
			t.Errorf("%q: secret file %q, %v", rest, path, ok)
		}
		if err := db.Close(); err != nil {
			t.Errorf("%q: %v", rest, err)
		}
		if made, err := os.ReadDir(here); err != nil || len(made) > 0 {
			t.Errorf("%q has made %v, %v", rest, made, err)
		}
	})
}
