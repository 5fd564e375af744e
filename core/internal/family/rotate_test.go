package family_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
)

// apart makes an instance whose clock differs by a duration.
func (w *world) apart(by time.Duration, change ...func(*family.Config)) *family.Families {
	return w.serve(func(c *family.Config) {
		c.Now = func() time.Time { return time.Now().Add(by) }
		for _, also := range change {
			also(c)
		}
	})
}

// A second tab gets the answer of the first within the grace period, even if the clock of its instance differs. After the grace period
// plus the minute by which clocks may differ, the token counts as reused.
func TestGraceOfClocksApart(t *testing.T) {
	for _, by := range []time.Duration{-clocks.Skew, -11 * time.Second, 0, 11 * time.Second, clocks.Skew} {
		inBubble(by.String(), t, func(t *testing.T, w *world) {
			other := w.apart(by)
			defer other.Close()
			second := w.must(w.first.Text)
			for _, after := range []time.Duration{0, 10*time.Second - time.Millisecond} {
				time.Sleep(after)
				if answer, err := other.Rotate(t.Context(), w.first.Text, w.spend); err != nil || string(answer) != second {
					t.Errorf("after %s: %v", after, err)
				}
			}
			if by < 0 {
				time.Sleep(-by)
			}
			time.Sleep(clocks.Skew + time.Millisecond)
			if _, err := other.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrReused) || w.spent != 1 {
				t.Errorf("after the grace: %v", err)
			}
		})
	}
}

// The instance that spent a token measures its grace period exactly; only others add a minute.
func TestGraceIsShortHere(t *testing.T) {
	inBubble("here", t, func(t *testing.T, w *world) {
		other := w.apart(0)
		defer other.Close()
		second := w.must(w.first.Text)
		time.Sleep(10 * time.Second)
		if answer, err := other.Rotate(t.Context(), w.first.Text, w.spend); err != nil || string(answer) != second {
			t.Errorf("elsewhere: %v", err)
		}
		w.refuses(w.first.Text, family.ErrReused)
	})
}

// A client that got no answer is not logged out for coming again with its token, although the store took the rotation late, or said so too
// late: on the instance that spent the token, too, the grace period is a minute longer then.
func TestGraceAfterNoAnswer(t *testing.T) {
	late := func(until time.Duration) func(*world) {
		return func(w *world) {
			begin := time.Now()
			w.swap = func(call int) error {
				if call > 1 && time.Since(begin) < until {
					return errStore
				}
				return nil
			}
		}
	}
	for name, fails := range map[string]func(*world){
		"a store that is away for longer than the client waits": late(13 * time.Second),
		"a store that is away for longer than a lease": func(w *world) {
			w.lost = 2
			w.swap = func(call int) error {
				if call > 2 {
					return errStore
				}
				return nil
			}
		},
	} {
		inBubble(name, t, func(t *testing.T, w *world) {
			fails(w)
			if answer, err := w.rotate(w.first.Text); err == nil {
				t.Fatalf("answered %q", answer)
			}
			time.Sleep(20 * time.Second)
			w.mu.Lock()
			w.swap = nil
			w.mu.Unlock()
			second := w.must(w.first.Text)
			w.must(second)
			if w.spent != 2 {
				t.Errorf("spent %d times", w.spent)
			}
			w.refuses(w.first.Text, family.ErrReused)
		})
	}
}

// An instance whose clock is ahead does not take a lease over from its holder, so the provider never sees a token twice.
func TestLeaseOfClocksApart(t *testing.T) {
	for _, by := range []time.Duration{-clocks.Skew, 0, 25 * time.Second, clocks.Skew} {
		inBubble(by.String(), t, func(t *testing.T, w *world) {
			other := w.apart(by)
			defer other.Close()
			w.slow = 11 * time.Second
			done := make(chan string, 1)
			go func() { done <- w.must(w.first.Text) }()
			time.Sleep(time.Second)
			answer, err := other.Rotate(t.Context(), w.first.Text, w.spend)
			if second := <-done; err != nil || string(answer) != second || w.spent != 1 {
				t.Errorf("%v, spent %d times", err, w.spent)
			}
		})
	}
}

// The lease of a process that has died is taken over once it has expired by every clock.
func TestLeaseOfTheDead(t *testing.T) {
	for _, by := range []time.Duration{-clocks.Skew, 0, clocks.Skew} {
		inBubble(by.String(), t, func(t *testing.T, w *world) {
			other := w.apart(by)
			defer other.Close()
			row, err := w.Session(t.Context(), w.first.ID, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			row.Lease = time.Now().Add(20 * time.Second).UTC().Truncate(time.Millisecond)
			if err := w.Memory.Swap(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithTimeout(t.Context(), 20*time.Second+clocks.Skew-by-10*time.Millisecond)
			defer leave()
			for ctx.Err() == nil {
				if _, err := other.Rotate(ctx, w.first.Text, w.spend); err == nil || w.spent != 0 {
					t.Fatalf("while the lease was held: %v, spent %d times", err, w.spent)
				}
			}
			time.Sleep(20 * time.Millisecond)
			if _, err := other.Rotate(t.Context(), w.first.Text, w.spend); err != nil || w.spent != 1 {
				t.Errorf("%v, spent %d times", err, w.spent)
			}
		})
	}
}

// Clocks that differ by more than a minute are detected by the instance that is behind.
func TestRotateNoticesClocks(t *testing.T) {
	for by, want := range map[time.Duration]error{time.Minute: nil, 61 * time.Second: clocks.ErrAhead} {
		inBubble(by.String(), t, func(t *testing.T, w *world) {
			watch := clocks.NewWatch(nil)
			behind := w.apart(-by, func(c *family.Config) { c.Clocks = watch })
			defer behind.Close()
			w.must(w.first.Text)
			_, _ = behind.Rotate(t.Context(), w.first.Text, w.spend)
			if err := watch.Err(); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

// A family ends Max after its start, even if it is refreshed.
func TestMax(t *testing.T) {
	const most = 10 * time.Hour
	inBubble("end", t, func(t *testing.T, w *world) {
		families := w.serve(func(c *family.Config) { c.Max = most })
		defer families.Close()
		token, began := family.NewToken(), time.Now()
		if err := families.Begin(t.Context(), token, family.Login{Data: []byte("x"), Expires: began.Add(100 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		text := token.Text
		for time.Since(began) < most-time.Minute {
			row, err := w.Session(t.Context(), token.ID, time.Now())
			if err != nil || row.Expires.After(began.Add(most)) || !row.Started.Equal(began) {
				t.Fatalf("after %s: ends at %s, started at %s, %v", time.Since(began), row.Expires, row.Started, err)
			}
			answer, err := families.Rotate(t.Context(), text, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
				if !turn.Ends.Equal(began.Add(most)) {
					t.Errorf("it ends at %s", turn.Ends)
				}
				return w.spend(ctx, turn)
			})
			if err != nil {
				t.Fatal(err)
			}
			text = string(answer)
			time.Sleep(50 * time.Minute)
		}
		if _, err := families.Rotate(t.Context(), text, w.spend); !errors.Is(err, family.ErrEnded) {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
	inBubble("none", t, func(t *testing.T, w *world) {
		w.must(w.first.Text)
		if row, err := w.Session(t.Context(), w.first.ID, time.Now()); err != nil || !row.Expires.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("ends at %s, %v", row.Expires, err)
		}
	})
}

// A family in the revocation list of this instance gets no answer: no new one, no repeated one, and none if it ended during the rotation.
func TestRotateAsksTheRevocationList(t *testing.T) {
	var revoked bool
	var errList error
	listed := func(c *family.Config) {
		revoked, errList = false, nil
		c.Revoked = func(_ context.Context, id string) (bool, error) { return revoked && id != "", errList }
	}
	for name, do := range map[string]func(t *testing.T, w *world, families *family.Families){
		"before": func(t *testing.T, w *world, families *family.Families) {
			revoked = true
			if answer, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrEnded) || answer != nil || w.spent != 0 {
				t.Errorf("%q, %v, spent %d times", answer, err, w.spent)
			}
		},
		"in the grace": func(t *testing.T, w *world, families *family.Families) {
			w.must(w.first.Text)
			revoked = true
			if answer, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, family.ErrEnded) || answer != nil {
				t.Errorf("%q, %v", answer, err)
			}
		},
		"meanwhile": func(t *testing.T, w *world, families *family.Families) {
			answer, err := families.Rotate(t.Context(), w.first.Text, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
				revoked = true
				return w.spend(ctx, turn)
			})
			if !errors.Is(err, family.ErrEnded) || answer != nil || w.spent != 1 {
				t.Errorf("%q, %v, spent %d times", answer, err, w.spent)
			}
		},
		"not to be had": func(t *testing.T, w *world, families *family.Families) {
			errList = errStore
			if answer, err := families.Rotate(t.Context(), w.first.Text, w.spend); !errors.Is(err, errStore) || answer != nil || w.spent != 0 {
				t.Errorf("%q, %v, spent %d times", answer, err, w.spent)
			}
			errList = nil
			if _, err := families.Rotate(t.Context(), w.first.Text, w.spend); err != nil {
				t.Error(err)
			}
		},
	} {
		inBubble(name, t, func(t *testing.T, w *world) {
			families := w.serve(listed)
			do(t, w, families)
			families.Close()
		})
	}
}
