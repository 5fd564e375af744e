// Package stored says in which form values are handed to a store.
package stored

import "time"

// Time is a time as a store.Store takes it: in UTC and in whole milliseconds.
func Time(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
