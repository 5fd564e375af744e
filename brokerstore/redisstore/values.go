package redisstore

import (
	"errors"
	"strconv"
	"time"
)

// errRecord stands for a value that this package has not written.
var errRecord = errors.New("a record is damaged")

// numbers reads numbers and remembers whether one was none.
type numbers struct{ err error }

func (n *numbers) int(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n.err = errRecord // the text may be anything, and stays out of the error
	}
	return value
}

func (n *numbers) time(text string) time.Time { return time.UnixMilli(n.int(text)).UTC() }
