package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

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
	return store.Session{ID: id, Subject: "s", Current: []byte("\x00\xff\xfe"), Data: []byte("secret-data"), Expires: now.Add(time.Hour), Version: 1}
}

// What a revocation leaves in the database is the feed's, and nothing of the session.
func TestRevokedDocument(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	db, sessions := storetest.OpenURL(t, url), database(t, url).Collection("oidcauth_sessions")
	must(t, "Init", db.Init(within(t)))
	must(t, "PutSession", db.PutSession(within(t), browserSession("a")))
	must(t, "Revoke", db.Revoke(within(t), "a", 1, now, now.Add(time.Hour)))
	var left bson.M
	must(t, "find", sessions.FindOne(within(t), bson.D{}).Decode(&left))
	if len(left) != 3 || left["_id"] != "a" || left["revoked"] != now.UnixMilli() || left["until"] != now.Add(time.Hour).UnixMilli() {
		t.Errorf("the document is %v", left)
	}
}

// A document without a version is no session, whatever else it holds: version 0 would let Revoke end what is there.
func TestNoVersion(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	db := storetest.OpenURL(t, url)
	must(t, "Init", db.Init(within(t)))
	_, err := database(t, url).Collection("oidcauth_sessions").InsertOne(within(t), bson.D{{Key: "_id", Value: "a"}, {Key: "expires", Value: now.Add(time.Hour).UnixMilli()}})
	must(t, "insert", err)
	if got, err := db.Session(within(t), "a", now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Session: %v, %v", got, err)
	}
}

// A document that is a session and in the feed ends in two parts, each counted, neither taking the other along.
func TestBothInOne(t *testing.T) {
	for name, first := range map[string]time.Duration{"the session ends first": time.Hour, "the revocation ends first": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			url, _ := dbserver.MongoDB(t)
			db := storetest.OpenURL(t, url)
			one := session("a")
			one.Expires = now.Add(first)
			must(t, "Revoke", db.Revoke(within(t), "a", 0, now, now.Add(2*time.Hour)))
			must(t, "PutSession", db.PutSession(within(t), one))
			if err := db.PutSession(within(t), one); !errors.Is(err, store.ErrConflict) {
				t.Errorf("PutSession again: %v", err)
			}
			for _, step := range []struct {
				at   time.Duration
				want int
			}{{59 * time.Minute, 0}, {min(first, 2*time.Hour), 1}, {max(first, 2*time.Hour) - time.Minute, 0}, {3 * time.Hour, 1}, {9 * time.Hour, 0}} {
				at := now.Add(step.at)
				if n, err := db.Purge(within(t), at); err != nil || n != step.want {
					t.Errorf("Purge after %v: %d, %v", step.at, n, err)
				}
				_, err := db.Session(within(t), "a", at)
				list, _ := db.Revoked(within(t), now, at)
				if (err == nil) != (step.at < first) || (len(list) == 1) != (step.at < 2*time.Hour) {
					t.Errorf("after %v: session %v, feed %v", step.at, err, list)
				}
			}
			if n, err := database(t, url).Collection("oidcauth_sessions").CountDocuments(within(t), bson.D{}); n != 0 || err != nil {
				t.Errorf("%d documents are left, %v", n, err)
			}
		})
	}
}

// Writes wait for the majority and reads go to the primary, whatever the client says; the client's own stay as they are.
func TestConcerns(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	var mu sync.Mutex
	sent := map[string][]bson.Raw{}
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		sent[e.CommandName] = append(sent[e.CommandName], append(bson.Raw(nil), e.Command...))
	}}
	client, err := mongo.Connect(options.Client().ApplyURI(url).SetMonitor(monitor).SetWriteConcern(writeconcern.Unacknowledged()).SetReadPreference(readpref.Secondary()))
	must(t, "connect", err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	db := mongostore.New(client.Database("concerns_" + url[strings.LastIndex(url, "/")+1:]))
	must(t, "Init", db.Init(within(t)))
	must(t, "PutSession", db.PutSession(within(t), session("a")))
	must(t, "Swap", db.Swap(within(t), session("a")))
	must(t, "AddKey", db.AddKey(within(t), store.Key{Generation: 1, ID: "k"}))
	must(t, "Touch", db.Touch(within(t), "a", now, now.Add(time.Hour)))
	_, err = db.Session(within(t), "a", now)
	must(t, "Session", err)
	_, err = db.SessionsOf(within(t), store.Selection{Owner: []byte("o")}, now, 9)
	must(t, "SessionsOf", err)
	_, err = db.RevokedAmong(within(t), []string{"a"}, now)
	must(t, "RevokedAmong", err)
	must(t, "Revoke", db.Revoke(within(t), "a", 2, now, now.Add(time.Hour)))
	_, err = db.Purge(within(t), now.Add(2*time.Hour))
	must(t, "Purge", err)
	mu.Lock()
	defer mu.Unlock()
	for command, path := range map[string][]string{
		"insert": {"writeConcern", "w"}, "update": {"writeConcern", "w"}, "delete": {"writeConcern", "w"}, "find": {"readConcern", "level"},
	} {
		if len(sent[command]) == 0 {
			t.Errorf("no %s was sent", command)
		}
		for _, raw := range sent[command] {
			if level, _ := raw.Lookup(path...).StringValueOK(); level != "majority" {
				t.Errorf("%s has %v %q", command, path, level)
			}
		}
	}
	for _, raw := range sent["find"] {
		if mode, ok := raw.Lookup("$readPreference", "mode").StringValueOK(); ok && !strings.HasPrefix(mode, "primary") {
			t.Errorf("find reads from %q", mode)
		}
	}
}

// URLs that are taken and URLs that are not; no error repeats one.
func TestURLs(t *testing.T) {
	for url, good := range map[string]bool{
		"mongodb://localhost/broker": true, "mongodb://user:secret-word@a:1,b:2/broker?replicaSet=r&tls=true": true, "mongodb://[::1]:27017/b": true,
		"mongodb+srv://user:secret-word@cluster.example.org/broker?retryWrites=true": true, "mongodb://user:secret%2Fword@localhost/b": true,
		"mongodb://localhost": false, "mongodb://localhost/": false, "mongodb://localhost/?authSource=secret-word": false, "mongodb+srv://cluster.example.org": false,
		"mongodb:///broker": false, "mongodb://user:secret-word@/broker": false, "mongodb://user:secret-word/x@localhost/broker": false,
		"mongodb://localhost/secret-word.x": false, "mongodb://localhost/a/secret-word": false, "mongodb://localhost/b?w=secret%zz": false,
		"mongodb://user:secret-word@localhost:port/b": false, "mongodb://localhost/" + strings.Repeat("x", 64): false,
	} {
		db, err := store.Open(url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "mongostore: open: ")) {
			t.Errorf("%s: %v", url, err)
		}
		if db != nil {
			must(t, "Close", db.Close())
		}
	}
}

// No error holds a password or a value, and each is wrapped once: without a server, and from a server that refuses.
func TestErrorsAreSilent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	nobody := listener.Addr().String()
	_ = listener.Close()
	_, address := dbserver.MongoDB(t)
	one := session("secret-id")
	one.Subject = strings.Repeat("secret", 4<<20) // more than a document may hold
	closed := storetest.OpenURL(t, "mongodb://"+address+"/b")
	must(t, "Close", closed.Close())
	for name, db := range map[string]store.Store{
		"nobody":       storetest.OpenURL(t, "mongodb://app:secret-word@"+nobody+"/b?serverSelectionTimeoutMS=200"),
		"no such user": storetest.OpenURL(t, "mongodb://app:secret-word@"+address+"/b?serverSelectionTimeoutMS=2000"),
		"too large":    storetest.OpenURL(t, "mongodb://"+address+"/b"),
		"closed":       closed,
	} {
		err := db.PutSession(within(t), one)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "secret") || strings.Count(err.Error(), "mongostore: ") != 1 {
			t.Errorf("%s: %.300v", name, err)
		}
		if name == "nobody" && !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: the error does not say why: %v", name, err)
		}
	}
}

// A call that is cancelled ends at once, though no server answers.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listen", err)
	t.Cleanup(func() { _ = listener.Close() })
	db := storetest.OpenURL(t, "mongodb://"+listener.Addr().String()+"/b")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if connection, err := listener.Accept(); err == nil {
			t.Cleanup(func() { _ = connection.Close() })
		}
		cancel()
	}()
	started := time.Now()
	if err := db.Swap(ctx, session("a")); !errors.Is(err, context.Canceled) || time.Since(started) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
}
