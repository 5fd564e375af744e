// Package trouble logs changes of state: one line when something starts to fail, one when it works again, however many
// requests there are in between.
package trouble

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// calm is how long nothing may have failed before a recovery is logged: what fails for one user and not for the next is no
// change of state.
const calm = time.Minute

// Trouble is an optional step of a request, which the request goes on without. Safe for concurrent use.
type Trouble struct {
	log        *slog.Logger
	level      slog.Level
	what, done string

	mu     sync.Mutex
	failed time.Time // the last failure; zero: it works
}

// New makes the trouble of one step. Its lines read "WHAT cannot be DONE", at the level, and "WHAT can be DONE again".
func New(log *slog.Logger, level slog.Level, what, done string) *Trouble {
	return &Trouble{log: log, level: level, what: what, done: done}
}

// Seen is called after each try, with the context that the handler of the log gets.
func (t *Trouble) Seen(ctx context.Context, err error) {
	if began, over := t.note(err != nil); began || over {
		tell(ctx, t.log, t.level, t.what, t.done, err)
	}
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

// Changes returns a function for a source that tells of changes of state alone: with the error when something can no
// longer be had in a way ("fetched"), with nil when it can again.
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
