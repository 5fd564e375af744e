package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/redis/go-redis/v9"
)

// hook runs something around each command; after gets the command when its answer is there.
type hook struct{ after func(redis.Cmder) }

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		err := next(ctx, command)
		h.after(command)
		return err
	}
}

// Sessions that are given more time, by Swap or by Touch, and a revocation that is, between Purge's look and its deletion are not deleted.
func TestPurgeLooksAgain(t *testing.T) {
	s := ownServer(t)
	store, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	must(t, "PutSession", store.PutSession(within(t), session("a")))
	touched := browserSession("t")
	touched.Expires = now.Add(9 * time.Hour)
	must(t, "PutSession", store.PutSession(within(t), touched))
	must(t, "Revoke", store.Revoke(within(t), "r", 0, now, now.Add(time.Hour)))
	looks := 0
	client.AddHook(hook{after: func(command redis.Cmder) {
		if command.Name() != "zrangebyscore" {
			return
		}
		if looks++; looks == 1 {
			longer := session("a")
			longer.Expires = now.Add(9 * time.Hour)
			must(t, "Swap", store.Swap(within(t), longer))
			must(t, "Touch", store.Touch(within(t), "t", now, now.Add(9*time.Hour)))
			must(t, "Revoke", store.Revoke(within(t), "other", 0, now, now.Add(9*time.Hour)))
		}
		if strings.Contains(command.String(), "revoked:until") {
			must(t, "Revoke again", store.Revoke(within(t), "r", 0, now, now.Add(9*time.Hour)))
		}
	}})
	if n, err := redisstore.New(client).Purge(within(t), now.Add(2*time.Hour)); n != 0 || err != nil || looks < 2 {
		t.Errorf("Purge after %d looks: %d, %v", looks, n, err)
	}
	for _, id := range []string{"a", "t"} {
		if _, err := store.Session(within(t), id, now.Add(2*time.Hour)); err != nil {
			t.Errorf("session %s: %v", id, err)
		}
	}
	if ids := listed(t, store, now.Add(2*time.Hour), 10); len(ids) != 1 {
		t.Errorf("the owner's sessions are %v", ids)
	}
	if list, err := store.Revoked(within(t), now, now.Add(2*time.Hour)); len(list) != 2 || err != nil {
		t.Errorf("the feed: %v, %v", list, err)
	}
}

// A call that is cancelled while the server works on it ends at once, whatever the client waits for.
func TestCancelledInTheMiddle(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	t.Cleanup(func() { _ = listener.Close() })
	asked := make(chan struct{})
	go silentAfterScript(listener, asked)
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), ReadTimeout: time.Minute, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	started := time.Now()
	if err := redisstore.New(client).Swap(ctx, session("a")); !errors.Is(err, context.Canceled) || time.Since(started) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
}

// silentAfterScript takes one connection, refuses what a client says first, and is silent once a script has come.
func silentAfterScript(listener net.Listener, asked chan<- struct{}) {
	connection, err := listener.Accept()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	for some := make([]byte, 64<<10); ; {
		n, err := connection.Read(some)
		switch {
		case err != nil:
			return
		case bytes.Contains(bytes.ToLower(some[:n]), []byte("evalsha")):
			close(asked)
			_, _ = connection.Read(some) // until the client goes
			return
		default:
			commands := bytes.Count(some[:n], []byte("\r\n*")) + 1
			_, _ = connection.Write(bytes.Repeat([]byte("-ERR unknown command\r\n"), commands))
		}
	}
}

// What was opened by URL is closed with the store.
func TestCloseOfItsOwn(t *testing.T) {
	s := ownServer(t)
	store := storetest.OpenURL(t, "redis://"+s.address)
	must(t, "PutSession", store.PutSession(within(t), session("a")))
	must(t, "Close", store.Close())
	if err := store.PutSession(within(t), session("b")); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("PutSession after Close: %v", err)
	}
}
