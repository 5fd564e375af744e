package store_test

import (
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// FuzzOpen: a URL opens an in-memory store or is refused, and the error contains at most the scheme of the URL.
func FuzzOpen(f *testing.F) {
	for _, url := range []string{"memory://", "memory", "MEMORY://x", "memory+x://", "postgres://u:secret-word@h/d", "postgresql+asyncpg://u:secret-word@h/d", "mongodb+srv://h/d", "x://", "XXXXXXXXXXXXX://xxxxxxxxxxxxx", "://", "", "u:secret-word@h", "secret-word://x", "+://", "mem\x00ory://", strings.Repeat("x", 40) + "://"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		db, err := store.Open(url)
		scheme, rest, _ := strings.Cut(url, "://")
		if base, _, _ := strings.Cut(strings.ToLower(scheme), "+"); (err == nil) != (base == "memory" && !strings.HasSuffix(strings.ToLower(scheme), "+srv") && (strings.Contains(url, "://") || url == "memory")) {
			t.Errorf("%q: %v", url, err)
		}
		told := strings.ToLower(scheme)
		if err != nil && len(rest) > 12 && strings.Contains(err.Error(), rest) && !strings.Contains(told, rest) {
			t.Errorf("%q: %v", url, err)
		}
		if db != nil {
			_ = db.Close()
		}
	})
}
