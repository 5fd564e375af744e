package core

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// calm is how long nothing may have failed before the log hears that it works again: what fails for one user and not for
// the next is no news each time.
const calm = time.Minute

// trouble is something that requests do without when it fails. The log is told when it begins to fail and when it works
// again, however many requests are in between. Safe for concurrent use.
type trouble struct {
	log        *slog.Logger
	level      slog.Level
	what, done string // "tokens", "revoked at the provider"

	mu     sync.Mutex
	failed time.Time // the last failure; zero: it works
}

// seen is told of each try, with the context that the handler of the log gets.
func (t *trouble) seen(ctx context.Context, err error) {
	if began, over := t.note(err != nil); began || over {
		tellChange(ctx, t.log, t.level, t.what, t.done, err)
	}
}

func (t *trouble) note(failed bool) (began, over bool) {
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

// troubles are those of one service.
type troubles struct {
	revocation, userInfo, endSession, logout trouble
}

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{
		revocation: trouble{log: log, level: slog.LevelWarn, what: "tokens", done: "revoked at the provider"},
		userInfo:   trouble{log: log, level: slog.LevelWarn, what: "the provider's userinfo", done: "put into tokens"},
		endSession: trouble{log: log, level: slog.LevelError, what: "sessions", done: "ended in the store"},
		logout:     trouble{log: log, level: slog.LevelWarn, what: "browsers", done: "sent to the provider's logout"},
	}
}
