package trouble

import (
	"errors"
	"log/slog"
)

// Mistake is an error that an operator can correct. Its line in the log says what was found, and where to look.
type Mistake struct {
	Text  string      // a fixed text; "": that of Err
	Check string      // the fields of the configuration to look at; "": none
	Attrs []slog.Attr // what was found and what was wanted, no longer than an operator reads
	Err   error       // the cause, whose attributes go into the same line; nil: there is none
}

// Error gives the text and that of the cause.
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

// Unwrap gives the cause.
func (m *Mistake) Unwrap() error { return m.Err }

// LogAttrs are what was found, then the cause's, then the fields to look at.
func (m *Mistake) LogAttrs() []slog.Attr {
	attrs := append(m.Attrs[:len(m.Attrs):len(m.Attrs)], attrsOf(m.Err)...)
	if m.Check != "" {
		attrs = append(attrs, slog.String("check", m.Check))
	}
	return attrs
}

// attrsOf finds the first error of a chain that has attributes for the log.
func attrsOf(err error) []slog.Attr {
	var attributed interface{ LogAttrs() []slog.Attr }
	if errors.As(err, &attributed) {
		return attributed.LogAttrs()
	}
	return nil
}

// maxText is how much of a text of the provider's a line may hold, in bytes.
const maxText = 200

// Printable returns a text of the provider's for a line of the log: "(not printable)" for one that is longer than 200 bytes or
// has characters beyond printable ASCII.
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
