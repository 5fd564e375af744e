package redisstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// lookups counts the questions to name servers of which a test could hear. Nobody answers them.
var lookups atomic.Int64

// The resolver is put in place before anything runs that could read it. What /etc/hosts has is found all the same.
func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		lookups.Add(1)
		return nil, errors.New("no name server in tests")
	}}
}

// URLs that are taken and URLs that are not; no error repeats one.
func TestURLs(t *testing.T) {
	for url, good := range map[string]bool{
		"redis://localhost": true, "redis://localhost:6379/3": true, "rediss://user:secret-word@localhost/0?dial_timeout=1s": true,
		"redis://[::1]:6379": true, "redis://:secret-word@localhost": true,
		"redis://localhost/secret-word": false, "redis://localhost/1/2": false, "redis://localhost?secret-word=1": false, "redis://localhost/-1": false,
		"redis://user:secret-word@local host": false, "redis://user:secret-word%zz@localhost": false, "redis://localhost:secret-word": false,
	} {
		db, err := store.Open(url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret-word") || !strings.HasPrefix(err.Error(), "redisstore: open: ")) {
			t.Errorf("%s: %v", url, err)
		}
		if db != nil {
			must(t, "Close", db.Close())
		}
	}
}

// Options that would cost memory or connections before anybody needs them are refused, by name.
func TestBoundedOptions(t *testing.T) {
	for option, refused := range map[string]string{
		"min_idle_conns=1": "min_idle_conns", "min_idle_conns=-1": "min_idle_conns", "min_idle_conns=99999999999": "min_idle_conns",
		"pool_size=1001": "pool_size", "pool_size=-1": "pool_size", "pool_size=2000000000": "pool_size", "pool_size=99999999999": "pool_size", "pool_size=5&pool_size=2000": "pool_size",
		"max_idle_conns=-1": "max_idle_conns", "max_idle_conns=99999999999": "max_idle_conns", "max_active_conns=-1": "max_active_conns", "max_active_conns=99999999999": "max_active_conns",
		"max_concurrent_dials=1001": "max_concurrent_dials", "pipeline_pool_size=-2": "pipeline_pool_size", "pipeline_pool_size=1001": "pipeline_pool_size",
		"pipeline_read_buffer_size=-1": "pipeline_read_buffer_size", "pipeline_write_buffer_size=2000000000": "pipeline_write_buffer_size",
		"pool_size=1": "", "pool_size=1000": "", "pool_size=0": "", "pool_size=": "", "min_idle_conns=0": "", "min_idle_conns=": "", "max_idle_conns=5": "",
		"max_active_conns=1000": "", "max_concurrent_dials=3": "", "pipeline_pool_size=-1": "", "pipeline_read_buffer_size=65536": "",
	} {
		db, err := store.Open("redis://:secret-word@127.0.0.1:1?" + option)
		switch {
		case db != nil && refused == "":
			must(t, "Close", db.Close())
		case refused == "" || db != nil || err == nil || !strings.HasPrefix(err.Error(), "redisstore: open: ") || !strings.Contains(err.Error(), refused) || strings.Contains(err.Error(), "secret-word"):
			t.Errorf("%s: %v", option, err)
		}
	}
}

// Opening connects to nobody and looks nothing up.
func TestOpenIsSilent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	t.Cleanup(func() { _ = listener.Close() })
	before := lookups.Load()
	for _, url := range []string{"redis://redis.example.org/3", "rediss://user:secret-word@redis.example.org", "redis://" + listener.Addr().String() + "?pool_size=50&max_idle_conns=50"} {
		db, err := store.Open(url)
		must(t, url, err)
		must(t, "Close", db.Close())
	}
	if n := lookups.Load() - before; n != 0 {
		t.Errorf("%d questions to name servers", n)
	}
	own, err := net.Dial("tcp", listener.Addr().String())
	must(t, "dial", err)
	t.Cleanup(func() { _ = own.Close() })
	first, err := listener.Accept()
	must(t, "accept", err)
	t.Cleanup(func() { _ = first.Close() })
	if first.RemoteAddr().String() != own.LocalAddr().String() {
		t.Error("the store has connected")
	}
}
