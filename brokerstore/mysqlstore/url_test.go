package mysqlstore

import (
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

func TestURL(t *testing.T) {
	for url, want := range map[string]struct{ user, password, network, address, database, tls string }{
		"mysql://u:p@h/d":                              {"u", "p", "tcp", "h:3306", "d", ""},
		"mariadb://u:p@h:3307/d?charset=utf8mb4":       {"u", "p", "tcp", "h:3307", "d", ""},
		"mysql://u%40x:p%40%2F%3A%3F%25+@h/d%20%2Fd":   {"u@x", "p@/:?%+", "tcp", "h:3306", "d /d", ""},
		"mysql://u@[::1]/d?charset=UTF8":               {"u", "", "tcp", "[::1]:3306", "d", ""},
		"mysql:///d":                                   {"", "", "tcp", "127.0.0.1:3306", "d", ""},
		"mysql://u@h/d?tls=true":                       {"u", "", "tcp", "h:3306", "d", "true"},
		"mysql://u@h/d?ssl=preferred":                  {"u", "", "tcp", "h:3306", "d", "preferred"},
		"mysql://u@h/d?tls=Skip-Verify":                {"u", "", "tcp", "h:3306", "d", "skip-verify"},
		"mysql://u@/d?unix_socket=%2Frun%2Fmysql.sock": {"u", "", "unix", "/run/mysql.sock", "d", ""},
	} {
		got, err := parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got.User != want.user || got.Passwd != want.password || got.Net != want.network || got.Addr != want.address || got.DBName != want.database ||
			got.TLSConfig != want.tls || got.Timeout != 10*time.Second {
			t.Errorf("%s: %+v", url, got)
		}
	}
	if got, err := parse("mysql://h/d?connect_timeout=3"); err != nil || got.Timeout != 3*time.Second {
		t.Errorf("connect_timeout: %v", err)
	}
}

// wrong are URLs that no store is made from. All have a password, which no error tells.
var wrong = []string{
	"mysql://u:secret@h", "mysql://u:secret@h/", "mysql://u:secret@h:port/d", "mysql://u:sec%zzret@h/d", "mysql://u:secret@h/d?%zz", "mysql://u:secret@h/d#x",
	"mysql://u:secret@h/d?charset=latin1", "mysql://u:secret@h/d?tls=secret", "mysql://u:secret@h/d?connect_timeout=secret", "mysql://u:secret@h/d?connect_timeout=0",
	"mysql://u:secret@h/d?multiStatements=secret", "mysql://u:secret@h/d?unix_socket=", "mysql://u:[secret@h/d", "mysql://u:secret@h/d?allowAllFiles=true",
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
	if _, err := store.Open("mysql://u:secret@h/d?allowAllFiles=secret"); err == nil || !strings.Contains(err.Error(), "allowAllFiles") {
		t.Errorf("the unknown parameter is not named: %v", err)
	}
}

func FuzzURL(f *testing.F) {
	for _, url := range append(wrong, "mysql://u:p@h/d?ssl=true") {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if db, err := Open(url); err == nil {
			_ = db.Close()
		}
	})
}
