package family

import (
	"context"
	"runtime/debug"
)

// safely runs what may call functions of the application, and makes a panic an error of this request: in the background
// it would end the process.
func (f *Families) safely(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = ErrPanicked
			stack := debug.Stack()
			defer func() { _ = recover() }() // the log is the application's, too
			f.cfg.Panicked(value, stack)
		}
	}()
	return do()
}

// abandon is Config.Abandon, whatever it does.
func (f *Families) abandon(ctx context.Context, data []byte) {
	_ = f.safely(func() error {
		f.cfg.Abandon(ctx, data)
		return nil
	})
}
