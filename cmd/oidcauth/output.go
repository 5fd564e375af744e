package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// writeJSON writes a value for programs; a person may look at it in a terminal too.
func writeJSON(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if _, err := io.WriteString(w, printable(line)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// printable escapes, as JSON does, what a terminal might take for a command: anybody may have written the token.
func printable(text string) string {
	var safe strings.Builder
	for _, r := range text {
		switch high, low := utf16.EncodeRune(r); {
		case unicode.IsPrint(r):
			safe.WriteRune(r)
		case high != unicode.ReplacementChar:
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	return safe.String()
}
