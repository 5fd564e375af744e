// Package stored converts values to the form that a store takes.
package stored

import "time"

// Time returns a time as a store.Store takes it: in UTC and whole milliseconds.
func Time(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
