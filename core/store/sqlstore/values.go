package sqlstore

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"
)

// never is the zero time as it is stored: before every other one, so that comparisons need no case for it.
const never = "-62135596800000"

// millis is a time as it is stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// blob is bytes as they are stored: drivers make NULL of nil.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// escaped begins a text that is stored as its hexadecimal digits.
const escaped = `\x`

// text is a string as it is stored: PostgreSQL takes no zero byte, and MySQL names in its error what is no UTF-8.
func text(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") && !strings.HasPrefix(s, escaped) {
		return s
	}
	return escaped + hex.EncodeToString([]byte(s))
}

// untext is the string of a stored text. One that text cannot have made was written by another program, and stays as it is.
func untext(stored string) string {
	digits, found := strings.CutPrefix(stored, escaped)
	if !found {
		return stored
	}
	if plain, err := hex.DecodeString(digits); err == nil {
		return string(plain)
	}
	return stored
}
