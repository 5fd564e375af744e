package family

import (
	"context"
	"runtime/debug"
)

// safely calls do, which may call functions of the application, and turns a panic into [ErrPanicked]. A panic in a background goroutine
// would end the process.
func (f *Families) safely(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = ErrPanicked
			stack := debug.Stack()
			defer func() { _ = recover() }() // the application's logger may panic, too
			f.cfg.Panicked(value, stack)
		}
	}()
	return do()
}

// abandon calls Config.Abandon and recovers from its panics.
func (f *Families) abandon(ctx context.Context, data []byte) {
	_ = f.safely(func() error {
		f.cfg.Abandon(ctx, data)
		return nil
	})
}
