package family_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
)

// A panic in a function of the application fails only its own request: the token stays valid, and the lease is released at once. The
// error does not contain the value, which only the log gets.
func TestPanics(t *testing.T) {
	var mu sync.Mutex
	var values []any
	noting := func(c *family.Config) {
		values = nil
		c.Panicked = func(value any, stack []byte) {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(string(stack), "panic_test.go") {
				values = append(values, value)
			}
		}
	}
	panics := func(context.Context, family.Turn) (*family.Result, error) { panic("secret words") }
	inBubble("spend", t, func(t *testing.T, w *world) {
		families := w.serve(noting)
		defer families.Close()
		for range 2 {
			answer, err := families.Rotate(t.Context(), w.first.Text, panics)
			if !errors.Is(err, family.ErrPanicked) || answer != nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q, %v", answer, err)
			}
		}
		if len(values) != 2 || values[0] != "secret words" {
			t.Errorf("the log got %v", values)
		}
		began := time.Now()
		if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); err != nil || time.Since(began) > time.Second {
			t.Errorf("afterwards: %v, in %s", err, time.Since(began))
		}
	})
	inBubble("spend, when the provider has issued new tokens", t, func(t *testing.T, w *world) {
		families := w.serve(noting)
		defer families.Close()
		if _, err := families.Rotate(t.Context(), w.first.Text, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
			turn.Keep(func() ([]byte, error) { return []byte("new data"), nil })
			return panics(ctx, turn)
		}); !errors.Is(err, family.ErrPanicked) {
			t.Error(err)
		}
		if _, err := families.Rotate(t.Context(), w.first.Text, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
			if string(turn.Data) != "new data" {
				t.Errorf("the session has %q", turn.Data)
			}
			return w.spend(ctx, turn)
		}); err != nil {
			t.Error(err)
		}
	})
	inBubble("the log too", t, func(t *testing.T, w *world) {
		families := w.serve(func(c *family.Config) { c.Panicked = func(any, []byte) { panic("the log") } })
		defer families.Close()
		if _, err := families.Rotate(t.Context(), w.first.Text, panics); !errors.Is(err, family.ErrPanicked) {
			t.Error(err)
		}
	})
	inBubble("Abandon", t, func(t *testing.T, w *world) {
		families := w.serve(func(c *family.Config) {
			noting(c)
			c.Abandon = func(context.Context, []byte) { panic("abandon") }
		})
		w.err, w.result = family.ErrRefused, &family.Result{Data: []byte("fresh")}
		if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrEnded) {
			t.Error(err)
		}
		families.Close()
		if len(values) != 1 {
			t.Errorf("the log got %v", values)
		}
	})
	inBubble("the store", t, func(t *testing.T, w *world) {
		families := w.serve(noting)
		defer families.Close()
		w.swap = func(int) error { panic("swap") }
		if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrPanicked) {
			t.Error(err)
		}
		w.swap = nil
		if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); err != nil {
			t.Error(err)
		}
	})
}
