package trouble

import (
	"errors"
	"log/slog"
)

// Mistake is an error that an operator can correct. Its line in the log says what was found and which setting to check.
type Mistake struct {
	Text  string      // a fixed text; "": that of Err
	Check string      // the fields of the configuration to check; "": none
	Attrs []slog.Attr // what was found and what was expected, bounded in size
	Err   error       // the cause, whose attributes are logged in the same line; nil: none
}

// Error returns the text and that of the cause.
func (m *Mistake) Error() string {
	switch {
	case m.Err == nil:
		return m.Text
	case m.Text == "":
		return m.Err.Error()
	default:
		return m.Text + ": " + m.Err.Error()
	}
}

// Unwrap returns the cause.
func (m *Mistake) Unwrap() error { return m.Err }

// LogAttrs returns Attrs, then those of the cause, then the fields to check.
func (m *Mistake) LogAttrs() []slog.Attr {
	attrs := append(m.Attrs[:len(m.Attrs):len(m.Attrs)], attrsOf(m.Err)...)
	if m.Check != "" {
		attrs = append(attrs, slog.String("check", m.Check))
	}
	return attrs
}

// attrsOf returns the attributes of the first error in the chain that has any.
func attrsOf(err error) []slog.Attr {
	var attributed interface{ LogAttrs() []slog.Attr }
	if errors.As(err, &attributed) {
		return attributed.LogAttrs()
	}
	return nil
}

// maxText is the longest text of the provider that is logged, in bytes.
const maxText = 200

// Printable returns a text of the provider for the log, or "(not printable)" if it is longer than 200 bytes or has other
// characters than printable ASCII.
func Printable(text string) string {
	if len(text) > maxText {
		return notPrintable
	}
	for _, r := range text {
		if r < ' ' || r > '~' {
			return notPrintable
		}
	}
	return text
}

const notPrintable = "(not printable)"
