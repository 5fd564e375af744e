package family

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// keep writes the row with the result's data and without the lease; stamp, unless it is nil, is called before each attempt. If the row
// is gone, the family has ended: the data is abandoned, and the error is [ErrEnded]. If another request has taken the row over, keep
// changes nothing and returns [ErrBusy].
func (f *Families) keep(ctx context.Context, session store.Session, result *Result, stamp func(*store.Session)) error {
	sealed, err := f.seal(f.data, session.ID, result.Data)
	if err != nil { // data that cannot be stored is lost, and its family ends
		f.abandon(ctx, result.Data)
		_ = f.persist(ctx, func(ctx context.Context) error { return f.revoke(ctx, session, time.Time{}) })
		return err
	}
	session.Data, session.Lease = sealed, time.Time{}
	err = f.persist(ctx, func(ctx context.Context) error {
		if stamp != nil {
			stamp(&session)
		}
		return f.cfg.Store.Swap(ctx, session)
	})
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTime) // the lease may be over
	defer cancel()
	row, err := f.cfg.Store.Session(ctx, session.ID, f.now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		f.abandon(ctx, result.Data)
		return ErrEnded
	case err == nil && row.Version == session.Version+1 && string(row.Data) == string(sealed):
		return nil // it was written, but the connection broke before the store's answer
	case err == nil:
		return errOvertaken
	default:
		return ErrBusy
	}
}

// errOvertaken says that the row is known to be another request's.
var errOvertaken = fmt.Errorf("%w, which has taken over", ErrBusy)

const (
	// tryTime is the timeout of one attempt to write: a connection that hangs must not use up the whole lease.
	tryTime = 2 * time.Second
	// lastPause is the longest pause between two attempts.
	lastPause = time.Second
	// holdOn is how long a write is retried after the end of the lease. Others respect the lease for [clocks.Skew] longer, and a write
	// after they have taken over is a conflict. So it harms nobody, and a database that fails over for minutes costs no session.
	holdOn = 5 * time.Minute
)

// persist retries a failed write, because tokens that the provider has issued would be lost: until ctx ends, which is the end of the
// lease, and for holdOn after it. A conflict is not retried.
func (f *Families) persist(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := f.beyond(ctx)
	defer cancel()
	for pause := firstLook; ; pause = min(2*pause, lastPause) {
		try, cancel := context.WithTimeout(ctx, tryTime)
		err := write(try)
		cancel()
		if err == nil || errors.Is(err, store.ErrConflict) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// beyond returns a context that ends holdOn after that of a lease, or with it if [Families.Close] is called.
func (f *Families) beyond(lease context.Context) (context.Context, context.CancelFunc) {
	end, _ := lease.Deadline()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(lease), end.Add(holdOn))
	stop := context.AfterFunc(f.base, func() {
		<-lease.Done()
		cancel()
	})
	return ctx, func() { stop(); cancel() }
}
