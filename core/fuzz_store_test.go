package core_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// garbledStore returns changed rows, like a damaged database or one that somebody else writes to.
type garbledStore struct {
	store.Store
	mu      sync.Mutex
	session func(*store.Session)
	key     func(*store.Key)
}

func (s *garbledStore) garble(session func(*store.Session), key func(*store.Key)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.key = session, key
}

func (s *garbledStore) Session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	session, err := s.Store.Session(ctx, id, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.session != nil {
		s.session(&session)
	}
	return session, err
}

func (s *garbledStore) Keys(ctx context.Context) ([]store.Key, error) {
	keys, err := s.Store.Keys(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range keys {
		if s.key != nil {
			s.key(&keys[i])
		}
	}
	return keys, err
}

// changed overwrites a part of a value, or all of it, with text; the result always differs from the value.
func changed(value []byte, at uint16, text []byte) []byte {
	other := bytes.Clone(text)
	if at > 0 && len(value) > 0 {
		other = bytes.Clone(value)
		copy(other[int(at)%len(value):], text)
	}
	if bytes.Equal(other, value) {
		other = append(other, 'A')
	}
	return other
}

// FuzzStoredSession: with changed sealed data or a changed sealed answer, a session is unusable: no token is issued from it,
// the provider is not called, and the row stays for an administrator to inspect.
func FuzzStoredSession(f *testing.F) {
	for _, spent := range []bool{false, true} {
		f.Add(spent, uint16(0), []byte{})
		f.Add(spent, uint16(0), []byte(`{"refresh":"r","iss":"i","sub":"s"}`))
		f.Add(spent, uint16(1), []byte("A"))
		f.Add(spent, uint16(40), []byte("\x00\xff"))
		f.Add(spent, uint16(9), []byte(strings.Repeat("A", 500)))
	}
	b := newBubble(f)
	db := &garbledStore{Store: b.store}
	service := b.serve(func(c *core.Config) { c.Store = db })
	first := service.begun()
	second := flowGranted(f, service.refresh(first.RefreshToken))
	f.Fuzz(func(t *testing.T, spent bool, at uint16, text []byte) {
		id := ""
		db.garble(func(session *store.Session) {
			if id = session.ID; spent {
				session.Answer, session.Rotated = changed(session.Answer, at, text), time.Now().UTC().Truncate(time.Millisecond)
			} else {
				session.Data = changed(session.Data, at, text)
			}
		}, nil)
		token, asked := second.RefreshToken, b.Hits(oidctest.Token)
		if spent {
			token = first.RefreshToken
		}
		answer := service.routes["token"].Serve(t.Context(), refreshRequest(token))
		if fuzzStatus(t, "refresh", answer); b.Hits(oidctest.Token) != asked || strings.Contains(string(answer.Body), "access_token") {
			t.Errorf("%d %s, %d calls", answer.Status, answer.Body, b.Hits(oidctest.Token)-asked)
		}
		if _, err := b.store.Session(t.Context(), id, time.Now()); err != nil || id == "" {
			t.Errorf("the session %q: %v, after %d %s", id, err, answer.Status, answer.Body)
		}
	})
}

// FuzzStoredKey: with a changed signing key in the store, a service issues nothing, publishes nothing, and makes no new key.
func FuzzStoredKey(f *testing.F) {
	f.Add(uint16(0), []byte{}, "")
	f.Add(uint16(0), []byte(`{"pem":"x"}`), "")
	f.Add(uint16(7), []byte("AAAA"), "")
	f.Add(uint16(1), []byte{0}, "another-kid")
	b := newBubble(f)
	db := &garbledStore{Store: b.store}
	serve := func(t testing.TB) *flowService {
		service := flowServe(t, b.config(), b, brokered(func(c *core.Config) { c.Store = db }))
		service.idp = b.Provider
		return service
	}
	serve(f).begun() // makes the key
	f.Fuzz(func(t *testing.T, at uint16, text []byte, kid string) {
		db.garble(nil, func(key *store.Key) {
			if kid != "" && kid != key.ID {
				key.ID = kid
			} else {
				key.Sealed = changed(key.Sealed, at, text)
			}
		})
		service := serve(t)
		login := fuzzForm(service.granted())
		for route, request := range map[string]*core.Request{"token": login, "jwks": core.ParseRequest(http.MethodGet, "", "", nil, nil)} {
			if answer := service.routes[route].Serve(t.Context(), request); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", route, answer.Status, answer.Body)
			}
		}
		if keys, err := b.store.Keys(t.Context()); err != nil || len(keys) != 1 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}

// FuzzRefreshToken: a text that is not a refresh token of a session always gets the same answer, and causes no call to the
// provider.
func FuzzRefreshToken(f *testing.F) {
	b := newBubble(f)
	service := b.serve()
	good := service.begun().RefreshToken
	for _, text := range []string{good + "=", good[:63] + "A", good[:63], "A" + good[1:], strings.Repeat("A", 64), "\x00", " " + good, strings.Repeat("é", 32), good + "\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == good || text == "" {
			return
		}
		asked := b.Hits(oidctest.Token)
		answer := service.routes["token"].Serve(t.Context(), refreshRequest(text))
		if answer.Status != http.StatusUnauthorized && answer.Status != http.StatusBadRequest || b.Hits(oidctest.Token) != asked {
			t.Errorf("%q: %d %s, %d calls", text, answer.Status, answer.Body, b.Hits(oidctest.Token)-asked)
		}
	})
}
