package postgresstore

import (
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

func TestURL(t *testing.T) {
	for url, want := range map[string]struct {
		user, password, host, database string
		port                           uint16
		tls                            bool
		searchPath                     string
	}{
		"postgres://u:p@h/d?sslmode=disable":                                   {"u", "p", "h", "d", 5432, false, ""},
		"postgresql://u:p%40%2F%3F%23:%25@h:6432/d%20d?sslmode=require":        {"u", "p@/?#:%", "h", "d d", 6432, true, ""},
		"postgres://u@h/d?ssl=require":                                         {"u", "", "h", "d", 5432, true, ""},
		"postgres://u@h/d?ssl=disable":                                         {"u", "", "h", "d", 5432, false, ""},
		"postgres://u@h/d?ssl=true":                                            {"u", "", "h", "d", 5432, true, ""},
		"postgres://u@h/d?ssl=False":                                           {"u", "", "h", "d", 5432, false, ""},
		"postgres://u@[::1]:7/d?sslmode=disable&search_path=mine,public":       {"u", "", "::1", "d", 7, false, "mine,public"},
		"postgres:///d?host=/run/postgresql&user=u&sslmode=disable":            {"u", "", "/run/postgresql", "d", 5432, false, ""},
		"postgres://u:p@h1:1,h2:2/d?sslmode=disable&target_session_attrs=":     {"u", "p", "h1", "d", 1, false, ""},
		"postgres://u:p@h1:1/d?sslmode=disable&target_session_attrs=primary":   {"u", "p", "h1", "d", 1, false, ""},
		"postgres://u:p+q@h1:1/d?sslmode=disable&application_name=a%26b%3Dc+d": {"u", "p+q", "h1", "d", 1, false, ""},
	} {
		got, err := parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got.User != want.user || got.Password != want.password || got.Host != want.host || got.Database != want.database ||
			got.Port != want.port || (got.TLSConfig != nil) != want.tls || got.RuntimeParams["search_path"] != want.searchPath {
			t.Errorf("%s: %+v", url, got)
		}
		if several := strings.Contains(url, ",h2"); several != (got.ValidateConnect != nil) && !strings.Contains(url, "primary") {
			t.Errorf("%s: is the one that can be written to asked for? %v", url, got.ValidateConnect != nil)
		}
	}
}

func TestConnectTimeout(t *testing.T) {
	for url, want := range map[string]time.Duration{"postgres://h/d": 10 * time.Second, "postgres://h/d?connect_timeout=3": 3 * time.Second} {
		if got, err := parse(url); err != nil || got.ConnectTimeout != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// wrong are URLs that no store is made from. All have a password, which no error tells.
var wrong = []string{
	"postgres://u:secret@h:port/d", "postgres://u:secret@h:99999/d", "postgres://u:sec%zzret@h/d", "postgres://u:secret@h/d?%zz", "postgres://u:secret/@h/d#x",
	"postgres://u:secret@h/d?sslmode=maybe", "postgres://u:secret@h/d?ssl=maybe", "postgres://u:secret@h/d?ssl=require&sslmode=require",
	"postgres://u:secret@h/d?target_session_attrs=standby", "postgres://u:secret@h/d?target_session_attrs=any", "postgres://u:secret@h/d?connect_timeout=secret",
	"postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/nowhere/at/all", "postgres://u:secret@h/d?service=nowhere&password=secret",
	"postgres:u:secret@h", "postgres://u:sec ret@h/d",
}

func TestWrongURL(t *testing.T) {
	for _, url := range wrong {
		_, err := store.Open(url)
		if err == nil {
			t.Errorf("%s: no error", url)
			continue
		}
		if strings.Contains(err.Error(), "ret@") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", url, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, url := range append(wrong, "postgres://u:p@h/d?ssl=require") {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if db, err := Open(url); err == nil {
			_ = db.Close()
		}
	})
}
