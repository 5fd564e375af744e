package family_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Writes that fail, that succeed but return an error, and that conflict.
func TestRotateOverFlaws(t *testing.T) {
	inBubble("the lease is not had", t, func(t *testing.T, w *world) {
		w.swap = func(call int) error {
			if call == 1 {
				return errStore
			}
			return nil
		}
		w.refuses(w.first.Text, errStore)
		w.must(w.first.Text)
	})
	inBubble("somebody is faster once", t, func(t *testing.T, w *world) {
		w.swap = func(call int) error {
			if call == 1 {
				return store.ErrConflict
			}
			return nil
		}
		if w.must(w.first.Text); w.spent != 1 {
			t.Errorf("spent %d times", w.spent)
		}
	})
	inBubble("the result fails for a while", t, func(t *testing.T, w *world) {
		begun := time.Now()
		w.swap = func(call int) error {
			if call > 1 && time.Since(begun) < 3*time.Second {
				return errStore
			}
			return nil
		}
		w.must(w.first.Text)
	})
	inBubble("the result never gets there", t, func(t *testing.T, w *world) {
		w.swap = func(call int) error {
			if call > 1 {
				return errStore
			}
			return nil
		}
		w.refuses(w.first.Text, family.ErrBusy)
	})
	inBubble("done, and the answer lost", t, func(t *testing.T, w *world) {
		w.lost = 2
		second := w.must(w.first.Text)
		w.must(second)
	})
	inBubble("a release that fails", t, func(t *testing.T, w *world) {
		w.err = errSpend
		w.swap = func(call int) error {
			if call == 2 {
				return errStore
			}
			return nil
		}
		w.refuses(w.first.Text, errSpend)
		w.err = nil
		w.must(w.first.Text)
	})
	inBubble("reuse that conflicts once", t, func(t *testing.T, w *world) {
		second := w.must(w.first.Text)
		time.Sleep(10 * time.Second)
		calls := 0
		w.revoke = func() error {
			if calls++; calls == 1 {
				return store.ErrConflict
			}
			return nil
		}
		w.refuses(w.first.Text, family.ErrReused)
		w.refuses(second, family.ErrEnded)
	})
	inBubble("reuse that cannot be written", t, func(t *testing.T, w *world) {
		w.must(w.first.Text)
		time.Sleep(10 * time.Second)
		w.revoke = func() error { return errStore }
		w.refuses(w.first.Text, errStore)
	})
	inBubble("too large", t, func(t *testing.T, w *world) {
		big := bytes.Repeat([]byte("x"), 256<<10)
		if err := w.families.Begin(t.Context(), family.NewToken(), family.Login{Data: big}); !errors.Is(err, family.ErrTooLarge) {
			t.Errorf("Begin: %v", err)
		}
		w.result = &family.Result{Data: []byte("small"), Answer: big}
		w.refuses(w.first.Text, family.ErrTooLarge)
		w.result = &family.Result{Data: big, Answer: []byte("small"), Expires: time.Now().Add(time.Hour)}
		w.refuses(w.first.Text, family.ErrTooLarge)
	})
}

// A store that is away for longer than a lease costs nobody the session: the instance that asked the provider holds on to its answer.
func TestResultOutlivesTheLease(t *testing.T) {
	const lease = 20 * time.Second
	down := func(w *world, span time.Duration) {
		w.swap = func(call int) error {
			if call > 1 && time.Since(w.begun) < span {
				return errStore
			}
			return nil
		}
	}
	for name, span := range map[string]time.Duration{"a minute": time.Minute, "four minutes": 4 * time.Minute} {
		inBubble("rotation, "+name, t, func(t *testing.T, w *world) {
			down(w, span)
			w.refuses(w.first.Text, family.ErrBusy)
			time.Sleep(span + 2*time.Second - time.Since(w.begun)) // an attempt each second
			other := w.serve(func(*family.Config) {})
			defer other.Close()
			second, err := other.Rotate(t.Context(), w.first.Text, w.spend)
			if err != nil || w.spent != 1 {
				t.Fatalf("%v, spent %d times", err, w.spent)
			}
			if again := w.must(w.first.Text); again != string(second) {
				t.Error("two answers")
			}
			if w.must(string(second)); w.spent != 2 {
				t.Errorf("spent %d times", w.spent)
			}
		})
		inBubble("session, "+name, t, func(t *testing.T, w *world) {
			down(w, span)
			renew := func() (family.Row, error) {
				return w.families.Renew(t.Context(), w.first.ID, func(plain []byte) bool { return string(plain) == "data 0" }, w.spend)
			}
			if row, err := renew(); err != nil || string(row.Plain) != "data 0+" || time.Since(w.begun) < span {
				t.Fatalf("%q, %v after %s", row.Plain, err, time.Since(w.begun))
			}
			if row, err := renew(); err != nil || string(row.Plain) != "data 0+" || w.spent != 1 {
				t.Errorf("%q, %v, spent %d times", row.Plain, err, w.spent)
			}
		})
	}
	inBubble("others take over in the end", t, func(t *testing.T, w *world) {
		down(w, 2*time.Minute)
		w.refuses(w.first.Text, family.ErrBusy)
		time.Sleep(85*time.Second - time.Since(w.begun))
		other := w.serve(func(c *family.Config) { c.Store = w.Memory }) // it reaches the store
		defer other.Close()
		second, err := other.Rotate(t.Context(), w.first.Text, w.spend)
		if err != nil || w.spent != 2 {
			t.Fatalf("%v, spent %d times", err, w.spent)
		}
		time.Sleep(40 * time.Second) // the first instance reaches it, too
		row, err := w.Session(t.Context(), w.first.ID, time.Now())
		if err != nil || row.Version != 4 {
			t.Errorf("%v, version %d", err, row.Version)
		}
		if w.must(w.first.Text) != string(second) || w.spent != 2 {
			t.Errorf("another answer, spent %d times", w.spent)
		}
	})
	inBubble("a rotation that was overtaken owes nothing", t, func(t *testing.T, w *world) {
		patient := w.serve(func(c *family.Config) { c.Wait = 5 * time.Minute })
		defer patient.Close()
		w.slow = 100 * time.Second
		overtaken := make(chan error)
		go func() {
			_, err := patient.Rotate(t.Context(), w.first.Text, w.spend)
			overtaken <- err
		}()
		time.Sleep(85 * time.Second) // the lease, and the minute that clocks may differ
		w.mu.Lock()
		w.slow = 0
		w.mu.Unlock()
		if _, err := patient.Rotate(t.Context(), w.first.Text, w.spend); err != nil {
			t.Fatal(err)
		}
		if err := <-overtaken; !errors.Is(err, family.ErrBusy) {
			t.Errorf("overtaken: %v", err)
		}
		if answer, err := patient.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrReused) { // 15 seconds later
			t.Errorf("a spent token was answered after the grace: %q, %v", answer, err)
		}
	})
	inBubble("the family has ended by then", t, func(t *testing.T, w *world) {
		down(w, time.Minute)
		w.refuses(w.first.Text, family.ErrBusy)
		if _, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if time.Sleep(time.Minute); !w.gave("data 0+") {
			t.Error("the provider's new token is left alive")
		}
	})
	inBubble("Close waits for it within the lease", t, func(t *testing.T, w *world) {
		down(w, 15*time.Second)
		w.refuses(w.first.Text, family.ErrBusy)
		w.families.Close()
		if row, err := w.Session(t.Context(), w.first.ID, time.Now()); err != nil || row.Version != 3 {
			t.Errorf("%v, version %d", err, row.Version)
		}
	})
	for name, wait := range map[string]time.Duration{"within the lease": 0, "after it": time.Minute} {
		inBubble("Close "+name, t, func(t *testing.T, w *world) {
			down(w, time.Hour)
			w.refuses(w.first.Text, family.ErrBusy)
			time.Sleep(wait)
			begun := time.Now()
			if w.families.Close(); time.Since(begun) > lease {
				t.Errorf("Close took %s", time.Since(begun))
			}
		})
	}
}

// Rows that were encrypted with other secrets, or for another client or issuer, are not changed.
func TestRotateSealed(t *testing.T) {
	inBubble("sealed", t, func(t *testing.T, w *world) {
		for name, families := range map[string]*family.Families{
			"secret": w.service("client", "another secret of thirty-two bytes."), "client": w.service("other"),
			"issuer": w.serve(func(c *family.Config) { c.Issuer = "another" }),
		} {
			if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrSealed) || w.spent != 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		both := w.service("client", "another secret of thirty-two bytes.", "a secret of thirty-two bytes or so")
		second, err := both.Rotate(t.Context(), w.first.Text, w.spend)
		if err != nil {
			t.Fatal(err)
		}
		w.refuses(string(second), family.ErrSealed)
		w.refuses(w.first.Text, family.ErrSealed) // the answer cannot be decrypted either
		if data, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil || data != nil {
			t.Errorf("%q, %v", data, err)
		}
	})
	for _, secrets := range [][][]byte{nil, {[]byte("short")}} {
		if _, err := family.New(family.Config{Secrets: secrets}); err == nil {
			t.Errorf("%d secrets were taken", len(secrets))
		}
	}
}

// The optional fields of Config may be left out.
func TestDefaults(t *testing.T) {
	db := store.NewMemory()
	families, err := family.New(family.Config{Store: db, Secrets: [][]byte{[]byte("a secret of thirty-two bytes or so")}, Lease: time.Minute, Wait: time.Minute, Grace: time.Minute, Feed: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token := family.NewToken()
	if err := families.Begin(t.Context(), token, family.Login{Data: []byte("x"), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	_, err = families.Rotate(t.Context(), token.Text, func(context.Context, family.Turn) (*family.Result, error) {
		return &family.Result{Data: []byte("y")}, family.ErrRefused
	})
	if !errors.Is(err, family.ErrEnded) {
		t.Error(err)
	}
}
