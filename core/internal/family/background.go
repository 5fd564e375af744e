package family

import "context"

// Background runs do in a goroutine that ctx does not cancel, with the time of a lease. A panic is reported to Config.Panicked.
// Close waits for do; after Close, Background returns [ErrBusy].
func (f *Families) Background(ctx context.Context, do func(context.Context)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrBusy
	}
	f.flights.Add(1)
	go func() {
		defer f.flights.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.cfg.Lease)
		defer cancel()
		_ = f.safely(func() error {
			do(ctx)
			return nil
		})
	}()
	return nil
}

// await runs do in the background and waits for its result. It returns [ErrBusy] if ctx ends first; do continues.
func await[T any](ctx context.Context, f *Families, do func(context.Context) (T, error)) (result T, err error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	err = f.Background(ctx, func(free context.Context) {
		var o outcome
		o.err = f.safely(func() (err error) {
			o.result, err = do(free)
			return err
		})
		done <- o
	})
	if err != nil {
		return result, err
	}
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return result, ErrBusy
	}
}
