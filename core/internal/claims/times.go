package claims

import (
	"math"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// readTimes checks exp, nbf and iat against now, and returns between which times the claims are valid, without leeway.
func readTimes(object strictjson.Object, now time.Time, leeway time.Duration) (from, until time.Time, err error) {
	at, slack := float64(now.UnixNano())/1e9, leeway.Seconds()
	exp, ok, err := object.Number("exp", false)
	switch {
	case err != nil || !ok:
		return from, until, fault.ErrClaims
	case exp+slack <= at:
		return from, until, fault.ErrExpired
	}
	first := 0.0
	for _, name := range []string{"nbf", "iat"} {
		start, ok, err := object.Number(name, false)
		switch {
		case err != nil:
			return from, until, fault.ErrClaims
		case ok && start-slack > at:
			return from, until, fault.ErrNotYetValid
		}
		first = max(first, start)
	}
	return Time(first), Time(exp), nil
}

// BeforeEnd returns now, or one second before exp if the token has expired.
func BeforeEnd(object strictjson.Object, now time.Time) time.Time {
	exp, ok, err := object.Number("exp", false)
	if end := Time(exp).Add(-time.Second); ok && err == nil && end.Before(now) {
		return end
	}
	return now
}

// Time converts Unix seconds to a time. It clamps them to the year 9999, so that no conversion overflows.
func Time(seconds float64) time.Time {
	const last = 253402300799
	return time.Unix(int64(math.Max(-last, math.Min(last, seconds))), 0)
}
