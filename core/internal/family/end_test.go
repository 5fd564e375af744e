package family_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
)

// An ended session is in the revocation list for the lifetime of its access tokens, even if it did not exist in the store.
func TestEnd(t *testing.T) {
	inBubble("end", t, func(t *testing.T, w *world) {
		until := time.Now().Add(5 * time.Hour)
		if data, err := w.families.End(t.Context(), "a jti", until); err != nil || data != nil {
			t.Errorf("%q, %v", data, err)
		}
		if data, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil || string(data) != "data 0" {
			t.Errorf("%q, %v", data, err)
		}
		list, err := w.Revoked(t.Context(), time.Time{}, time.Now().Add(2*time.Hour))
		if err != nil || len(list) != 1 || list[0].ID != "a jti" || !list[0].Until.Equal(until.UTC()) {
			t.Errorf("%v, %v", list, err)
		}
		list, err = w.Revoked(t.Context(), time.Time{}, time.Now().Add(59*time.Minute))
		if err != nil || len(list) != 2 {
			t.Errorf("%v, %v", list, err)
		}
		w.revoke = func() error { return errStore }
		if _, err := w.families.End(t.Context(), "x", time.Time{}); !errors.Is(err, errStore) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.families.End(ctx, "x", time.Time{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := w.families.Rotate(ctx, w.first.Text, w.spend); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	inBubble("a rotation is faster", t, func(t *testing.T, w *world) {
		calls := 0
		w.revoke = func() error {
			if calls++; calls == 1 {
				w.must(w.first.Text)
			}
			return nil
		}
		if data, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil || string(data) != "data 0+" || calls != 2 {
			t.Errorf("it gave %q to be revoked, %v, after %d tries", data, err, calls)
		}
	})
	inBubble("a family without a token", t, func(t *testing.T, w *world) {
		token := family.NewToken()
		if err := w.families.Begin(t.Context(), token, family.Login{Data: []byte("hint"), Expires: time.Now().Add(time.Hour), NoToken: true}); err != nil {
			t.Fatal(err)
		}
		if data, err := w.families.End(t.Context(), token.ID, time.Time{}); err != nil || string(data) != "hint" {
			t.Errorf("%q, %v", data, err)
		}
	})
}

// A family stays in the revocation list until its last access token has expired, even if the tokens that are issued now live shorter.
func TestEndLastsAsLongAsTheLongestToken(t *testing.T) {
	const leeway = 30 * time.Second
	for name, end := range map[string]func(t *testing.T, w *world, families *family.Families){
		"logout": func(t *testing.T, w *world, families *family.Families) {
			if _, err := families.End(t.Context(), w.first.ID, time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
		},
		"reuse": func(t *testing.T, w *world, families *family.Families) {
			time.Sleep(2 * time.Minute)
			if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrReused) {
				t.Error(err)
			}
		},
		"refused": func(t *testing.T, w *world, families *family.Families) {
			w.err = family.ErrRefused
			row, err := w.Session(t.Context(), w.first.ID, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := families.Rotate(t.Context(), w.newest, w.spend); !errors.Is(err, family.ErrEnded) {
				t.Errorf("%v, version %d", err, row.Version)
			}
		},
	} {
		inBubble(name, t, func(t *testing.T, w *world) {
			families := w.serve(func(c *family.Config) { c.Feed, c.Leeway = 10*time.Minute, leeway })
			defer families.Close()
			began := time.Now()
			w.ttl = 24 * time.Hour
			second := w.must(w.first.Text)
			w.ttl = 10 * time.Minute
			w.newest = w.must(second)
			end(t, w, families)
			list, err := w.Revoked(t.Context(), time.Time{}, began.Add(24*time.Hour+leeway))
			if err != nil || len(list) != 1 || list[0].ID != w.first.ID {
				t.Errorf("after a day: %v, %v", list, err)
			}
		})
	}
	inBubble("login", t, func(t *testing.T, w *world) {
		token, expiry := family.NewToken(), time.Now().Add(24*time.Hour)
		if err := w.families.Begin(t.Context(), token, family.Login{Data: []byte("x"), Expires: time.Now().Add(time.Hour), Issued: expiry}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.families.End(t.Context(), token.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if list, err := w.Revoked(t.Context(), time.Time{}, expiry); err != nil || len(list) != 1 {
			t.Errorf("at its expiry: %v, %v", list, err)
		}
	})
}

// An end that fails in the store is retried until it succeeds, and the session's data is then abandoned.
func TestEndIsTriedAgain(t *testing.T) {
	broken := func(w *world) (mend func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.revoke = func() error { return errStore }
		return func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.revoke = nil
		}
	}
	inBubble("logout", t, func(t *testing.T, w *world) {
		mend := broken(w)
		until := time.Now().Add(2 * time.Hour)
		for range 2 {
			if _, err := w.families.End(t.Context(), w.first.ID, until); !errors.Is(err, family.ErrPending) || !errors.Is(err, errStore) {
				t.Error(err)
			}
		}
		time.Sleep(time.Hour / 2)
		if n := w.families.Pending(); n != 1 || w.gave("data 0") {
			t.Errorf("%d ends are pending, abandoned %v", n, w.abandoned)
		}
		mend()
		time.Sleep(16 * time.Second)
		w.refuses(w.first.Text, family.ErrEnded)
		if list, err := w.Revoked(t.Context(), time.Time{}, until.Add(-time.Minute)); err != nil || len(list) != 1 || w.families.Pending() != 0 || !w.gave("data 0") {
			t.Errorf("listed %v, %v, %d pending, abandoned %v", list, err, w.families.Pending(), w.abandoned)
		}
		if _, err := w.families.End(t.Context(), w.first.ID, until); err != nil { // a repeated logout
			t.Error(err)
		}
	})
	inBubble("reuse", t, func(t *testing.T, w *world) {
		second := w.must(w.first.Text)
		time.Sleep(10 * time.Second)
		mend := broken(w)
		w.refuses(w.first.Text, errStore)
		mend()
		time.Sleep(2 * time.Second)
		w.refuses(second, family.ErrEnded)
	})
	inBubble("a store that panics", t, func(t *testing.T, w *world) {
		mend := broken(w)
		_, _ = w.families.End(t.Context(), w.first.ID, time.Time{})
		w.mu.Lock()
		w.revoke = func() error { panic("a store") }
		w.mu.Unlock()
		time.Sleep(time.Minute)
		mend()
		time.Sleep(time.Minute)
		w.refuses(w.first.Text, family.ErrEnded)
	})
	inBubble("Close tries once more", t, func(t *testing.T, w *world) {
		mend := broken(w)
		_, _ = w.families.End(t.Context(), w.first.ID, time.Time{})
		mend()
		w.families.Close()
		if list, err := w.Revoked(t.Context(), time.Time{}, time.Now()); err != nil || len(list) != 1 || w.families.Pending() != 0 {
			t.Errorf("listed %v, %v", list, err)
		}
	})
	inBubble("Close gives up", t, func(t *testing.T, w *world) {
		broken(w)
		_, _ = w.families.End(t.Context(), w.first.ID, time.Time{})
		w.mu.Lock()
		w.hangs = true
		w.mu.Unlock()
		time.Sleep(1500 * time.Millisecond) // an attempt is running
		began := time.Now()
		w.families.Close()
		if took := time.Since(began); took > 20*time.Second || w.families.Pending() != 1 {
			t.Errorf("it took %s, %d pending", took, w.families.Pending())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.families.End(ctx, "another", time.Time{}); err == nil || errors.Is(err, family.ErrPending) {
			t.Error("it is tried again by nobody")
		}
	})
	inBubble("no more than so many", t, func(t *testing.T, w *world) {
		broken(w)
		for n := range 10_000 {
			if _, err := w.families.End(t.Context(), strconv.Itoa(n), time.Time{}); !errors.Is(err, family.ErrPending) {
				t.Fatal(n, err)
			}
		}
		if _, err := w.families.End(t.Context(), "one more", time.Time{}); errors.Is(err, family.ErrPending) || !errors.Is(err, errStore) {
			t.Error(err)
		}
		if _, err := w.families.End(t.Context(), "7", time.Time{}); !errors.Is(err, family.ErrPending) {
			t.Error(err)
		}
	})
}
