package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/redis/go-redis/v9"
)

// server is a Redis of one test's own, which may be filled, reconfigured and restarted.
type server struct {
	t       testing.TB
	address string
	dir     string
	process *exec.Cmd
}

func ownServer(t testing.TB) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, address: listener.Addr().String(), dir: t.TempDir()}
	_ = listener.Close()
	s.start()
	t.Cleanup(s.stop)
	return s
}

// start starts it on what its append-only file holds, and waits until it answers.
func (s *server) start(options ...string) {
	s.t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	_, port, _ := net.SplitHostPort(s.address)
	s.process = exec.Command(binary, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", s.dir, "--enable-debug-command", "yes"}, options...)...)
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	client := s.client()
	for ctx := within(s.t); client.Ping(ctx).Err() != nil; {
		if ctx.Err() != nil {
			s.t.Fatal("the server does not start")
		}
	}
}

func (s *server) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}

func (s *server) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: s.address})
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

var now = time.Now().UTC().Truncate(time.Millisecond)

func session(id string) store.Session {
	return store.Session{ID: id, Subject: "s", Current: []byte("\x00\xff\xfe"), Data: []byte("d"), Expires: now.Add(time.Hour), Version: 1}
}

// A server that has no memory left refuses what would need some, keeps what it has, and still revokes.
func TestFullMemory(t *testing.T) {
	s := ownServer(t)
	client, db := s.client(), storetest.OpenURL(t, "redis://"+s.address)
	must(t, "Init", db.Init(within(t)))
	must(t, "PutSession", db.PutSession(within(t), browserSession("a")))
	must(t, "AddKey", db.AddKey(within(t), store.Key{Generation: 1, ID: "k"}))
	must(t, "maxmemory", client.ConfigSet(within(t), "maxmemory", "1mb").Err())

	must(t, "Init on a full server that evicts nothing", db.Init(within(t)))
	for name, err := range map[string]error{
		"PutSession": db.PutSession(within(t), session("b")),
		"Swap":       db.Swap(within(t), browserSession("a")),
		"Touch":      db.Touch(within(t), "a", now, now.Add(time.Hour)),
		"AddKey":     db.AddKey(within(t), store.Key{Generation: 2, ID: "k"}),
		"RetireKey":  db.RetireKey(within(t), 1, now),
	} {
		if err == nil || errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "memory is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
	stored, err := db.Session(within(t), "a", now)
	if err != nil || stored.Version != 1 || !stored.Seen.Equal(now.Add(-time.Minute)) {
		t.Errorf("the session is %+v, %v", stored, err)
	}
	if ids := listed(t, db, now, 10); len(ids) != 1 {
		t.Errorf("the owner's sessions are %v", ids)
	}
	if keys, err := db.Keys(within(t)); err != nil || len(keys) != 1 || !keys[0].Until.IsZero() {
		t.Errorf("the keys are %+v, %v", keys, err)
	}
	must(t, "Revoke of a session", db.Revoke(within(t), "a", 1, now, now.Add(time.Hour)))
	must(t, "Revoke of what is not there", db.Revoke(within(t), "b", 0, now, now.Add(time.Hour)))
	if list, err := db.Revoked(within(t), now, now); err != nil || len(list) != 2 {
		t.Errorf("the feed is %+v, %v", list, err)
	}
	if n, err := db.Purge(within(t), now.Add(2*time.Hour)); err != nil || n != 2 {
		t.Errorf("Purge: %d, %v", n, err)
	}
}

// A server that may drop keys is no place for sessions.
func TestEvictingServer(t *testing.T) {
	s := ownServer(t)
	client, db := s.client(), storetest.OpenURL(t, "redis://"+s.address)
	must(t, "policy", client.ConfigSet(within(t), "maxmemory-policy", "allkeys-lru").Err())
	must(t, "Init without a limit of memory", db.Init(within(t)))
	must(t, "maxmemory", client.ConfigSet(within(t), "maxmemory", "100mb").Err())
	if err := db.Init(within(t)); err == nil || !strings.Contains(err.Error(), "allkeys-lru") || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("Init: %v", err)
	}
	// Who may not ask is not kept from working.
	must(t, "a user", client.Do(within(t), "ACL", "SETUSER", "app", "on", ">secret-word", "~{oidcauth}:*", "+@read", "+@write", "+@scripting", "+@connection", "+time", "-@dangerous").Err())
	limited := storetest.OpenURL(t, "redis://app:secret-word@"+s.address)
	must(t, "Init without the right to ask", limited.Init(within(t)))
	must(t, "PutSession", limited.PutSession(within(t), session("a")))
	must(t, "Revoke", limited.Revoke(within(t), "a", 1, now, now.Add(time.Hour)))
	if n, err := limited.Purge(within(t), now.Add(2*time.Hour)); err != nil || n != 1 {
		t.Errorf("Purge: %d, %v", n, err)
	}
}

// Replicas are not asked.
func TestReplicas(t *testing.T) {
	primary, s := ownServer(t), ownServer(t)
	host, port, _ := net.SplitHostPort(primary.address)
	must(t, "replica", s.client().ReplicaOf(within(t), host, port).Err())
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": primary.address}})
	t.Cleanup(func() { _ = ring.Close() })
	cluster := func(options redis.ClusterOptions) redis.UniversalClient {
		options.Addrs = []string{primary.address}
		client := redis.NewClusterClient(&options)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	for name, db := range map[string]store.Store{
		"the server is a replica": storetest.OpenURL(t, "redis://"+s.address),
		"ReadOnly":                redisstore.New(cluster(redis.ClusterOptions{ReadOnly: true})),
		"RouteByLatency":          redisstore.New(cluster(redis.ClusterOptions{RouteByLatency: true})),
		"RouteRandomly":           redisstore.New(cluster(redis.ClusterOptions{RouteRandomly: true})),
		"a ring":                  redisstore.New(ring),
	} {
		err := db.Init(within(t))
		if err == nil || !strings.Contains(err.Error(), "replica") && !strings.Contains(err.Error(), "Ring") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Scripts that the server has forgotten are sent again, after a restart too, and what was written is there.
func TestForgottenScripts(t *testing.T) {
	s := ownServer(t)
	db := storetest.OpenURL(t, "redis://"+s.address)
	must(t, "PutSession", db.PutSession(within(t), session("a")))
	must(t, "flush", s.client().ScriptFlush(within(t)).Err())
	must(t, "Swap", db.Swap(within(t), session("a")))
	s.stop()
	if err := db.Swap(within(t), session("a")); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("Swap without a server: %v", err)
	}
	s.start()
	stored, err := db.Session(within(t), "a", now)
	if err != nil || stored.Version != 2 || string(stored.Current) != "\x00\xff\xfe" {
		t.Errorf("after a restart: %+v, %v", stored, err)
	}
	must(t, "Swap after a restart", db.Swap(within(t), stored))
}

// A key goes by itself a day after its session ended, never before: a service's clock is not the server's.
func TestNativeEnd(t *testing.T) {
	s := ownServer(t)
	db := storetest.OpenURL(t, "redis://"+s.address)
	for name, expires := range map[string]time.Duration{"later": time.Hour, "before": -1000 * time.Hour} {
		one := session(name)
		one.Expires = now.Add(expires)
		must(t, "PutSession", db.PutSession(within(t), one))
		left, err := s.client().PTTL(within(t), "{oidcauth}:session:"+name).Result()
		want := 24*time.Hour + max(expires, 0)
		if err != nil || left > want+time.Minute || left < want-20*time.Minute {
			t.Errorf("%s: %v left, %v", name, left, err)
		}
	}
}

// An answer that is lost makes the client send the script again. It finds that it has run, and nobody else was first.
func TestLostAnswers(t *testing.T) {
	s := ownServer(t)
	client := redis.NewClient(&redis.Options{Addr: s.address})
	t.Cleanup(func() { _ = client.Close() })
	lost := &lossy{}
	client.AddHook(lost)
	db := redisstore.New(client)
	one := browserSession("a")
	other := one
	other.Version, other.Owner = 2, nil
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"PutSession", func() error { return db.PutSession(within(t), one) }},
		{"Swap", func() error { return db.Swap(within(t), one) }},
		{"Swap of another owner's", func() error { return db.Swap(within(t), other) }},
		{"AddKey", func() error { return db.AddKey(within(t), store.Key{Generation: 1, ID: "k"}) }},
		{"Revoke", func() error { return db.Revoke(within(t), "a", 3, now, now.Add(time.Hour)) }},
	} {
		lost.sent = 0
		must(t, step.name, step.do())
		if lost.sent < 2 {
			t.Errorf("%s was sent %d times", step.name, lost.sent)
		}
		if err := step.do(); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s, called again: %v", step.name, err)
		}
	}
}

// lossy sends every script twice, as a client does that has lost the answer.
type lossy struct{ sent int }

func (l *lossy) DialHook(next redis.DialHook) redis.DialHook { return next }
func (l *lossy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (l *lossy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		if strings.HasPrefix(command.Name(), "eval") {
			l.sent++
			if err := next(ctx, command); err != nil {
				return err
			}
			command.SetErr(nil)
			l.sent++
		}
		return next(ctx, command)
	}
}

// A call that is cancelled ends at once, though the server is silent and the client would wait.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan struct{}, 64)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = connection.Close() })
			accepted <- struct{}{}
		}
	}()
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), ReadTimeout: time.Minute})
	t.Cleanup(func() { _ = client.Close() })
	db := redisstore.New(client)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-accepted; cancel() }()
	started := time.Now()
	if err := db.Swap(ctx, session("a")); !errors.Is(err, context.Canceled) || time.Since(started) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := storetest.OpenURL(t, "redis://"+listener.Addr().String()).Swap(soon, session("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline: %v", err)
	}
}

// No error holds a password or a value: without a server, with a wrong password, after an answer that quotes arguments.
func TestErrorsAreSilent(t *testing.T) {
	s := ownServer(t)
	must(t, "a user", s.client().Do(within(t), "ACL", "SETUSER", "app", "on", ">other", "~*", "+@all", "-eval", "-evalsha").Err())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	nobody := listener.Addr().String()
	_ = listener.Close()
	one := session("secret-id")
	one.Data = []byte("secret-data")
	for _, url := range []string{"redis://app:secret-word@" + nobody, "rediss://app:secret-word@" + nobody, "redis://app:secret-word@" + s.address, "redis://app:other@" + s.address} {
		db := storetest.OpenURL(t, url)
		for name, err := range map[string]error{"PutSession": db.PutSession(within(t), one), "Swap": db.Swap(within(t), one)} {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "secret") || strings.Count(err.Error(), "redisstore: ") != 1 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
