package redisstore_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/broker"
)

// FuzzURL: opening connects to nothing, and no error repeats what stands in the URL.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{
		"localhost", "user:secret-word@localhost:6379/3", ":secret%2Fword@[::1]:1", "localhost/secret-word", "localhost/-1", "localhost/1?db=2", "localhost?dial_timeout=secret-word",
		"localhost?max_retries=-1&pool_size=1000", "localhost?protocol=9", "localhost?unknown=secret-word", "user:secret-word@/0", "a,b", "localhost:port", "%zz", "\x00",
	} {
		f.Add(true, rest)
		f.Add(false, rest)
	}
	// The driver makes room for its pool at once, of whatever size it is told, and fills an idle one in the background.
	costly := regexp.MustCompile(`[0-9]{5}|min_idle_conns|%`)
	f.Fuzz(func(t *testing.T, tls bool, rest string) {
		if _, query, _ := strings.Cut(rest, "?"); costly.MatchString(query) {
			return
		}
		scheme := "redis://"
		if tls {
			scheme = "rediss://"
		}
		store, err := broker.Open(scheme + rest)
		if err != nil {
			if text := err.Error(); store != nil || !strings.HasPrefix(text, "redisstore: open: not a URL like ") || len(rest) > 12 && strings.Contains(text, rest) {
				t.Errorf("%q: %v", rest, err)
			}
			return
		}
		_ = store.Close()
	})
}
