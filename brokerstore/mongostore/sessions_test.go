package mongostore_test

import (
	"context"
	"errors"
	"slices"
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
)

// browserSession has an owner, a session at the provider and an Idle.
func browserSession(id string) store.Session {
	s := session(id)
	s.Kind, s.Owner, s.ProviderSession, s.Note = store.KindBrowser, []byte("owner"), []byte("provider"), []byte("n")
	s.Started, s.Seen, s.Idle = now.Add(-time.Hour), now.Add(-time.Minute), now.Add(30*time.Minute)
	return s
}

// What is looked up has an index of those documents alone that have it, and a document without it has no such field.
func TestIndexes(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	db, sessions := storetest.OpenURL(t, url), database(t, url).Collection("oidcauth_sessions")
	must(t, "Init", db.Init(within(t)))
	made, err := sessions.Indexes().ListSpecifications(within(t))
	must(t, "indexes", err)
	keys := map[string]mongo.IndexSpecification{}
	for _, index := range made {
		keys[index.Name] = index
	}
	for _, name := range []string{"expires_1", "idle_1", "revoked_1", "until_1"} {
		if sparse := keys[name].Sparse; sparse == nil || !*sparse {
			t.Errorf("%s: %+v", name, keys[name])
		}
	}
	for _, name := range []string{"owner_1_started_-1", "provider_session_1_started_-1"} {
		if keys[name].KeysDocument == nil {
			t.Errorf("there is no index %s in %v", name, keys)
		}
	}
	must(t, "PutSession", db.PutSession(within(t), session("a")))
	var stored bson.M
	must(t, "find", sessions.FindOne(within(t), bson.D{}).Decode(&stored))
	for _, field := range []string{"owner", "provider_session", "idle"} {
		if value, there := stored[field]; there {
			t.Errorf("%s is %v", field, value)
		}
	}
	must(t, "Touch", db.Touch(within(t), "a", now, time.Time{}))
	if got, err := db.Session(within(t), "a", now.Add(59*time.Minute)); err != nil || !got.Idle.IsZero() || !got.Seen.Equal(now) {
		t.Errorf("touched without an Idle: %+v, %v", got, err)
	}
}

// A session ends by its Idle and leaves the revocation that is in the same document; what Touch has moved stays.
func TestIdleBesideRevocation(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	db := storetest.OpenURL(t, url)
	must(t, "Init", db.Init(within(t)))
	must(t, "Revoke", db.Revoke(within(t), "a", 0, now, now.Add(3*time.Hour)))
	for _, id := range []string{"a", "b", "c"} {
		must(t, "PutSession", db.PutSession(within(t), browserSession(id)))
	}
	must(t, "Touch", db.Touch(within(t), "c", now, now.Add(40*time.Minute)))
	if n, err := db.Purge(within(t), now.Add(30*time.Minute)); n != 2 || err != nil {
		t.Errorf("Purge: %d, %v", n, err)
	}
	for id, left := range map[string]bool{"a": false, "b": false, "c": true} {
		if _, err := db.Session(within(t), id, now); (err == nil) != left {
			t.Errorf("session %s: %v", id, err)
		}
	}
	if list, err := db.RevokedAmong(within(t), []string{"c", "a", "b"}, now); err != nil || len(list) != 1 || list[0].ID != "a" {
		t.Errorf("RevokedAmong: %v, %v", list, err)
	}
	if err := db.Touch(within(t), "a", now, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Touch of what is in the feed alone: %v", err)
	}
}

// SessionsOf leaves choice, order and limit to the server, and does not ask for Data and Answer.
func TestSessionsOfAsksForLittle(t *testing.T) {
	url, _ := dbserver.MongoDB(t)
	var mu sync.Mutex
	var asked []bson.Raw
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.CommandName == "find" {
			asked = append(asked, slices.Clone(e.Command))
		}
	}}
	client, err := mongo.Connect(options.Client().ApplyURI(url).SetMonitor(monitor))
	must(t, "connect", err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	db := mongostore.New(client.Database(database(t, url).Name()))
	must(t, "PutSession", db.PutSession(within(t), browserSession("a")))
	for _, of := range []store.Selection{{Owner: []byte("owner")}, {ProviderSession: []byte("provider")}} {
		found, err := db.SessionsOf(within(t), of, now, 7)
		if err != nil || len(found) != 1 || found[0].Data != nil || string(found[0].Note) != "n" {
			t.Errorf("found %+v, %v", found, err)
		}
	}
	for _, limit := range []int{0, -1} {
		if found, err := db.SessionsOf(within(t), store.Selection{Owner: []byte("owner")}, now, limit); err != nil || len(found) != 0 {
			t.Errorf("limit %d: found %v, %v", limit, found, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 2 {
		t.Fatalf("%d queries", len(asked))
	}
	for _, command := range asked {
		order, _ := command.Lookup("sort", "started").AsInt64OK()
		limit, _ := command.Lookup("limit").AsInt64OK()
		data, noData := command.Lookup("projection", "data").AsInt64OK()
		answer, noAnswer := command.Lookup("projection", "answer").AsInt64OK()
		if order != -1 || limit != 7 || !noData || data != 0 || !noAnswer || answer != 0 {
			t.Errorf("asked %v", command)
		}
	}
}
