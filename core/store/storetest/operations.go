package storetest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// marker stands in everything that the operations below hand to a store: no error may show it.
const marker = "s3cret-marker-of-the-suite"

// operation is one call of a method, each of which would change or find something.
type operation struct {
	name string
	do   func(ctx context.Context, db store.Store) error
}

// scene is a place with a little on it, and what may be asked of it.
type scene struct {
	direct  store.Store // sees the place whatever the check does to another store
	session store.Session
	key     store.Key
	entry   store.Revocation
}

// setScene puts a session, a key and a revocation on a place, and something that has ended for Purge to find.
func setScene(t testing.TB, place Place) *scene {
	t.Helper()
	s := &scene{direct: openAt(t, place), session: newSession(), key: newKey(1)}
	must(t, "Init", s.direct.Init(within(t)))
	s.session.Subject, s.session.Data, s.session.Current = marker, []byte(marker), []byte(marker)
	s.session.Owner, s.session.ProviderSession, s.session.Note = []byte(marker), []byte(marker), []byte(marker)
	s.key.Sealed = []byte(marker)
	s.entry = store.Revocation{ID: marker, At: after(0), Until: after(-time.Minute)}
	put(t, s.direct, s.session)
	addKeys(t, s.direct, s.key)
	must(t, "Revoke", s.direct.Revoke(within(t), s.entry.ID, 0, s.entry.At, s.entry.Until))
	return s
}

// operations are one call of every method.
func (s *scene) operations() []operation {
	added := s.session
	added.ID = marker + newID()[len(marker):]
	return []operation{
		{"Init", func(ctx context.Context, db store.Store) error { return db.Init(ctx) }},
		{"AddKey", func(ctx context.Context, db store.Store) error {
			return db.AddKey(ctx, store.Key{Generation: 2, ID: marker, Sealed: []byte(marker), From: after(0)})
		}},
		{"RetireKey", func(ctx context.Context, db store.Store) error { return db.RetireKey(ctx, 1, after(time.Hour)) }},
		{"Keys", func(ctx context.Context, db store.Store) error { _, err := db.Keys(ctx); return err }},
		{"PutSession", func(ctx context.Context, db store.Store) error { return db.PutSession(ctx, added) }},
		{"Session", func(ctx context.Context, db store.Store) error {
			_, err := db.Session(ctx, s.session.ID, after(0))
			return err
		}},
		{"Swap", func(ctx context.Context, db store.Store) error {
			changed := s.session
			changed.Answer = []byte("changed " + marker)
			return db.Swap(ctx, changed)
		}},
		{"Touch", func(ctx context.Context, db store.Store) error {
			return db.Touch(ctx, s.session.ID, after(time.Minute), after(5*time.Hour))
		}},
		{"SessionsOf", func(ctx context.Context, db store.Store) error {
			_, err := db.SessionsOf(ctx, store.Selection{Owner: s.session.Owner}, after(0), 10)
			return err
		}},
		{"SessionsOf a provider session", func(ctx context.Context, db store.Store) error {
			_, err := db.SessionsOf(ctx, store.Selection{ProviderSession: s.session.ProviderSession}, after(0), 10)
			return err
		}},
		{"Revoke", func(ctx context.Context, db store.Store) error {
			return db.Revoke(ctx, s.session.ID, 1, after(time.Second), after(time.Hour))
		}},
		{"Revoke with version 0", func(ctx context.Context, db store.Store) error {
			return db.Revoke(ctx, s.session.ID, 0, after(time.Second), after(time.Hour))
		}},
		{"Revoked", func(ctx context.Context, db store.Store) error {
			_, err := db.Revoked(ctx, after(0), after(-time.Hour))
			return err
		}},
		{"RevokedAmong", func(ctx context.Context, db store.Store) error {
			_, err := db.RevokedAmong(ctx, []string{s.entry.ID, marker + "else"}, after(-time.Hour))
			return err
		}},
		{"Purge", func(ctx context.Context, db store.Store) error { _, err := db.Purge(ctx, after(0)); return err }},
	}
}

// wantUnchanged makes sure that nothing of the scene was touched, nor anything added to it.
func (s *scene) wantUnchanged(t testing.TB, what string) {
	t.Helper()
	got, err := s.direct.Session(within(t), s.session.ID, after(0))
	must(t, what+", Session afterwards", err)
	keys, err := s.direct.Keys(within(t))
	must(t, what+", Keys afterwards", err)
	diff := first(differenceOfSessions(s.session, got), differenceOfKeys([]store.Key{s.key}, keys),
		differenceOfFeeds([]store.Revocation{s.entry}, feed(t, s.direct)))
	if diff != "" {
		t.Errorf("%s has changed something: %s", what, diff)
	}
}

// wantSilent holds "No error holds a password, a sealed value or a hash" to the marker, an ID and what the URL holds.
func (s *scene) wantSilent(t testing.TB, what string, err error, address string) {
	t.Helper()
	secrets := []string{marker, hex.EncodeToString([]byte(marker)), base64.StdEncoding.EncodeToString([]byte(marker)), s.session.ID}
	if parsed, parseErr := url.Parse(address); parseErr == nil && parsed.User != nil {
		if password, _ := parsed.User.Password(); len(password) > 3 {
			secrets = append(secrets, password)
		}
	}
	for _, secret := range secrets {
		if err != nil && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(secret)) {
			t.Errorf("%s: the error shows what it must not: %v", what, err)
		}
	}
}
