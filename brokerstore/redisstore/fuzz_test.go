package redisstore_test

import (
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// FuzzURL: opening connects to nothing, and no error repeats what stands in the URL.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{
		"localhost", "user:secret-word@localhost:6379/3", ":secret%2Fword@[::1]:1", "localhost/secret-word", "localhost/-1", "localhost/1?db=2", "localhost?dial_timeout=secret-word",
		"localhost?max_retries=-1&pool_size=1000", "localhost?min_idle_conns=3", "localhost?pool_size=1000000000", "localhost?max_idle_conns=%2d1",
		"localhost?protocol=9", "localhost?unknown=secret-word", "user:secret-word@/0", "a,b", "localhost:port", "%zz", "\x00",
	} {
		f.Add(true, rest)
		f.Add(false, rest)
	}
	f.Fuzz(func(t *testing.T, tls bool, rest string) {
		scheme := "redis://"
		if tls {
			scheme = "rediss://"
		}
		db, err := store.Open(scheme + rest)
		if err != nil {
			if text := err.Error(); db != nil || !strings.HasPrefix(text, "redisstore: open: ") || len(rest) > 12 && strings.Contains(text, rest) {
				t.Errorf("%q: %v", rest, err)
			}
			return
		}
		_ = db.Close()
	})
}
