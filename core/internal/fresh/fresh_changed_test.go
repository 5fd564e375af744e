package fresh_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
)

// A failure of another source is not reported here, because that source reports it. An own failure is reported once, and so is its end.
func TestFailuresOfAnotherSourceAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{}
		var fault error
		source := fresh.New(policy, func(context.Context) (int64, error) { return 1, fault }, o.changed)
		defer source.Close()
		for _, step := range []struct {
			fault error
			told  int
		}{
			{fmt.Errorf("%w: %w", fresh.ErrElsewhere, errDown), 0}, {nil, 0}, {errDown, 1}, {fmt.Errorf("%w: %w", fresh.ErrElsewhere, errDown), 1},
			{errDown, 1}, {nil, 2}, {fmt.Errorf("%w: %w", fresh.ErrElsewhere, errDown), 2}, {errDown, 3}, {nil, 4},
		} {
			fault = step.fault
			_, _ = source.Renew(t.Context(), source.Peek())
			time.Sleep(2 * policy.Pause) // the background has retried, too
			synctest.Wait()
			if o.changes() != step.told {
				t.Errorf("%v: told %d times, want %d", step.fault, o.changes(), step.told)
			}
		}
	})
}
