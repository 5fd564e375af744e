package sqlstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

var (
	errPasses = errors.New("the database is busy")
	errStays  = errors.New("the disk is full")
)

// passing is a dialect whose database undoes work with errPasses.
var passing = SQLite(func(err error) Fault {
	if errors.Is(err, errPasses) {
		return Transient
	}
	return Other
})

func TestRetry(t *testing.T) {
	for name, test := range map[string]struct {
		answers []error // of one attempt after the other
		want    error
	}{
		"at once":               {[]error{nil}, nil},
		"undone twice":          {[]error{errPasses, errPasses, nil}, nil},
		"undone, then in vain":  {[]error{errPasses, errStays}, errStays},
		"in vain":               {[]error{errStays}, errStays},
		"somebody else":         {[]error{store.ErrConflict}, store.ErrConflict},
		"undone, then too late": {[]error{errPasses, store.ErrConflict}, store.ErrConflict},
		"not there":             {[]error{store.ErrNotFound}, store.ErrNotFound},
	} {
		calls := 0
		err := Retry(t.Context(), passing, "work", func() error { calls++; return test.answers[calls-1] })
		if !errors.Is(err, test.want) || calls != len(test.answers) {
			t.Errorf("%s: %v after %d attempts of %d", name, err, calls, len(test.answers))
		}
	}
}

// Work that is undone for ever ends with the context, and whoever asks finds the context in the error.
func TestRetryEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := Retry(ctx, passing, "work", func() error {
		if calls++; calls == 3 {
			cancel()
		}
		return errPasses
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errPasses) || calls != 3 || !strings.HasPrefix(err.Error(), "sqlstore: work: ") {
		t.Errorf("%v after %d attempts", err, calls)
	}
	if err := Retry(ctx, passing, "work", func() error { calls++; return nil }); !errors.Is(err, context.Canceled) || calls != 3 {
		t.Errorf("work was begun after the end of its context: %v", err)
	}
}

// Who waits to write waits no longer than its context; the turn is the next one's when it ends. Databases that let many
// write have no turns.
func TestTurnToWrite(t *testing.T) {
	db := New(nil, passing)
	done, err := db.alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := db.alone(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("two write at the same time: %v", err)
	}
	done()
	if _, err := db.alone(t.Context()); err != nil {
		t.Error(err)
	}
	many := New(nil, PostgreSQL(nil))
	for range 2 {
		if _, err := many.alone(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
