package redisstore_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/redis/go-redis/v9"
)

// between runs something once after the first script, whose answer is lost: the client sends the script again.
type between struct{ then func() }

func (b *between) DialHook(next redis.DialHook) redis.DialHook { return next }
func (b *between) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (b *between) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		then := b.then
		if then == nil || !strings.HasPrefix(command.Name(), "eval") {
			return next(ctx, command)
		}
		if err := next(ctx, command); err != nil { // the server does not know the script yet
			return err
		}
		b.then = nil
		then()
		command.SetErr(nil)
		return next(ctx, command)
	}
}

// What was sent twice does not undo what another caller did in between.
func TestRepeatedLate(t *testing.T) {
	s := ownServer(t)
	client := s.client()
	late := &between{}
	client.AddHook(late)
	slow, db := redisstore.New(client), storetest.OpenURL(t, "redis://"+s.address)
	of := store.Selection{Owner: []byte("owner")}
	one := browserSession("a")

	late.then = func() { // it is found by its owner before the one who made it knows of it
		found, err := db.SessionsOf(within(t), of, now, 10)
		if err != nil || len(found) != 1 {
			t.Fatalf("SessionsOf: %v, %v", found, err)
		}
		must(t, "Revoke", db.Revoke(within(t), "a", found[0].Version, now, now.Add(time.Hour)))
		must(t, "Revoke again", db.Revoke(within(t), "a", 0, now, now.Add(time.Hour)))
	}
	must(t, "PutSession", slow.PutSession(within(t), one))
	if got, err := db.Session(within(t), "a", now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a revoked session is back: %v, %v", got.ID, err)
	}
	if found, err := db.SessionsOf(within(t), of, now, 10); err != nil || len(found) != 0 {
		t.Errorf("SessionsOf: %v, %v", found, err)
	}
	must(t, "PutSession of another call", slow.PutSession(within(t), one))

	late.then = func() { must(t, "Touch", db.Touch(within(t), "a", now.Add(9*time.Second), now.Add(50*time.Minute))) }
	must(t, "Touch", slow.Touch(within(t), "a", now, now.Add(40*time.Minute)))
	got, err := db.Session(within(t), "a", now)
	if err != nil || !got.Seen.Equal(now.Add(9*time.Second)) || !got.Idle.Equal(now.Add(50*time.Minute)) || got.Version != 1 {
		t.Errorf("after a late touch: %+v, %v", got, err)
	}

	late.then = func() { must(t, "Revoke", db.Revoke(within(t), "a", 1, now, now.Add(time.Hour))) }
	if err := slow.Touch(within(t), "a", now, now.Add(55*time.Minute)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Touch of what was revoked: %v", err)
	}
	if keys := keysOf(t, s.client()); len(keys) != 0 {
		t.Errorf("left: %q", keys)
	}
	if late.then != nil {
		t.Error("no script was repeated")
	}
}

// In a cluster a script may touch keys of one slot alone: every method does.
func TestCluster(t *testing.T) {
	s := clusterServer(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.address}})
	t.Cleanup(func() { _ = client.Close() })
	db := redisstore.New(client)
	must(t, "Init", db.Init(within(t)))
	must(t, "PutSession", db.PutSession(within(t), browserSession("a")))
	must(t, "PutSession", db.PutSession(within(t), browserSession("b")))
	must(t, "Swap", db.Swap(within(t), session("a"))) // which says nothing of an owner
	must(t, "Touch", db.Touch(within(t), "a", now, now.Add(40*time.Minute)))
	if found, err := db.SessionsOf(within(t), store.Selection{ProviderSession: []byte("provider")}, now, 10); err != nil || len(found) != 2 {
		t.Errorf("SessionsOf: %v, %v", found, err)
	}
	must(t, "DEL", client.Del(within(t), "{oidcauth}:session:b").Err())
	if found, err := db.SessionsOf(within(t), store.Selection{Owner: []byte("owner")}, now, 10); err != nil || len(found) != 1 {
		t.Errorf("SessionsOf: %v, %v", found, err)
	}
	if n, err := client.ZCard(within(t), ownersList).Result(); n != 1 || err != nil {
		t.Errorf("%d are in the list, %v", n, err)
	}
	must(t, "Revoke", db.Revoke(within(t), "a", 2, now, now.Add(time.Hour)))
	if list, err := db.RevokedAmong(within(t), []string{"a", "b"}, now); err != nil || len(list) != 1 {
		t.Errorf("RevokedAmong: %v, %v", list, err)
	}
	must(t, "PutSession", db.PutSession(within(t), browserSession("c")))
	if n, err := db.Purge(within(t), now.Add(time.Hour)); err != nil || n != 3 { // b by its entry, c, the revocation
		t.Errorf("Purge: %d, %v", n, err)
	}
}

// clusterServer is one node with all slots.
func clusterServer(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	bus, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	s := &server{t: t, address: listener.Addr().String(), dir: t.TempDir()}
	port := bus.Addr().(*net.TCPAddr).Port
	_, _ = listener.Close(), bus.Close()
	s.start("--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port))
	t.Cleanup(s.stop)
	client := s.client()
	must(t, "slots", client.ClusterAddSlotsRange(within(t), 0, 16383).Err())
	for ctx := within(t); ; {
		text, err := client.ClusterInfo(ctx).Result()
		must(t, "CLUSTER INFO", err)
		if strings.Contains(text, "cluster_state:ok") {
			return s
		}
	}
}
