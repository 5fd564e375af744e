// Package trouble logs changes of state: one line when something starts to fail and one when it recovers, however many requests
// come in between.
package trouble

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// calm is how long nothing must have failed before a recovery is logged. Without it, a step that fails for some users and works
// for others would log each time.
const calm = time.Minute

// Trouble logs when an optional step of requests starts to fail and when it recovers. Safe for concurrent use.
type Trouble struct {
	log        *slog.Logger
	level      slog.Level
	what, done string

	mu     sync.Mutex
	failed time.Time // the last failure; zero: the step works
}

// New makes a Trouble for one step. It logs "WHAT cannot be DONE" at the level, and "WHAT can be DONE again" at level info.
func New(log *slog.Logger, level slog.Level, what, done string) *Trouble {
	return &Trouble{log: log, level: level, what: what, done: done}
}

// Seen records the result of one try. ctx is passed to the log's handler.
func (t *Trouble) Seen(ctx context.Context, err error) {
	if began, over := t.note(err != nil); began || over {
		tell(ctx, t.log, t.level, t.what, t.done, err)
	}
}

// Failing reports whether the step fails, as far as was seen.
func (t *Trouble) Failing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.failed.IsZero()
}

func (t *Trouble) note(failed bool) (began, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, fine := time.Now(), t.failed.IsZero()
	switch {
	case failed:
		t.failed = now
	case !fine && now.Sub(t.failed) >= calm:
		t.failed, over = time.Time{}, true
	}
	return failed && fine, over
}

// Changes returns a function for callers that detect changes of state themselves. It logs "WHAT cannot be HAD" at level warning
// for an error, and "WHAT can be HAD again" at level info for nil.
func Changes(log *slog.Logger, what, had string) func(error) {
	return func(err error) { tell(context.Background(), log, slog.LevelWarn, what, had, err) }
}

func tell(ctx context.Context, log *slog.Logger, failing slog.Level, what, done string, err error) {
	if err == nil {
		log.InfoContext(ctx, what+" can be "+done+" again")
		return
	}
	attrs := append([]slog.Attr{slog.Any("error", err)}, attrsOf(err)...)
	log.LogAttrs(ctx, failing, what+" cannot be "+done, attrs...)
}
