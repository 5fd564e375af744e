package clocks_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
)

// A difference is reported once and stays an error for ten minutes.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		w := clocks.NewWatch(func(err error) { told = append(told, err) })
		now := time.Now()
		w.Written(now.Add(clocks.Skew), now, 0)
		w.Written(now.Add(20*time.Second+clocks.Skew), now, 20*time.Second)
		w.Written(now.Add(-time.Hour), now, 0)
		w.Written(time.Time{}, now, 0)
		if err := w.Err(); err != nil || told != nil {
			t.Errorf("clocks that differ by a minute: %v, told %v", err, told)
		}
		w.Written(now.Add(clocks.Skew+time.Second), now, 0)
		w.Written(now.Add(time.Hour), now, 0)
		if err := w.Err(); !errors.Is(err, clocks.ErrAhead) || len(told) != 1 {
			t.Errorf("%v, told %v", err, told)
		}
		time.Sleep(9 * time.Minute)
		w.Late(3 * time.Minute)
		time.Sleep(9 * time.Minute)
		if err := w.Err(); !errors.Is(err, clocks.ErrLate) || len(told) != 1 {
			t.Errorf("%v, told %v", err, told)
		}
		time.Sleep(time.Minute)
		if err := w.Err(); err != nil || len(told) != 2 || told[1] != nil {
			t.Errorf("ten minutes later: %v, told %v", err, told)
		}
		w.Late(time.Hour)
		if len(told) != 3 {
			t.Errorf("told %v", told)
		}
	})
}

// The methods of a nil Watch do nothing.
func TestNoWatch(t *testing.T) {
	var none *clocks.Watch
	none.Late(time.Hour)
	none.Written(time.Now().Add(time.Hour), time.Now(), 0)
	if err := none.Err(); err != nil {
		t.Error(err)
	}
	clocks.NewWatch(nil).Late(time.Hour)
}
