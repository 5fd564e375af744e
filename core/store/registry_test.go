package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Open chooses the store by the scheme, and its errors contain no other part of the URL.
func TestOpen(t *testing.T) {
	var got string
	errRefused := errors.New("refused")
	store.Register(func(url string) (store.Store, error) { got = url; return store.NewMemory(), nil }, "test", "test+srv")
	store.Register(func(string) (store.Store, error) { return nil, errRefused }, "refusing")
	for url, want := range map[string]string{
		"test://u:p@h/d?x=y": "test://u:p@h/d?x=y", "TEST://h": "test://h", "test+driver://h": "test://h", "test+srv://h": "test+srv://h", "test:///a//b://c": "test:///a//b://c", "test://": "test://",
	} {
		if db, err := store.Open(url); err != nil || db == nil || got != want {
			t.Errorf("%s: %q, %v", url, got, err)
		}
	}
	for _, url := range []string{"memory", "memory://", "MEMORY://x"} {
		if db, err := store.Open(url); err != nil || db == nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := store.Open("refusing://x"); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	for url, say := range map[string]string{
		"": "begins with a scheme", "hunter22": "begins with a scheme", "://hunter22": "begins with a scheme", "a b://hunter22": "begins with a scheme", "hunter22@host:5432/x": "begins with a scheme",
		strings.Repeat("a", 33) + "://hunter22": "begins with a scheme", "other://u:hunter22@h": `"other"`, "postgres://u:hunter22@h": "brokerstore/postgresstore", "postgresql+asyncpg://hunter22": "brokerstore/postgresstore",
		"mysql://u:hunter22@h": "brokerstore/mysqlstore", "mongodb+srv://u:hunter22@h": "brokerstore/mongostore", "rediss://:hunter22@h": "brokerstore/redisstore", "sqlite:///hunter22": "brokerstore/sqlitestore", "mariadb+x://hunter22": "brokerstore/mysqlstore",
	} {
		if db, err := store.Open(url); err == nil || db != nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if schemes := store.Schemes(); !slices.IsSorted(schemes) || !slices.Contains(schemes, "memory") || !slices.Contains(schemes, "test+srv") {
		t.Errorf("got %v", schemes)
	}
}
