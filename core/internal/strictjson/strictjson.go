// Package strictjson parses untrusted JSON objects so that only one reading is possible.
//
// encoding/json takes the last of two equal names, ignores the case of names, and replaces invalid UTF-8, so two readers of
// one token can see two different callers. This package refuses such documents: it requires RFC 8259 grammar, UTF-8, no
// duplicate name at any depth, no lone surrogate, at most [MaxDepth] levels, and nothing after the value.
//
// All functions are safe for concurrent use.
package strictjson

import (
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
)

// MaxDepth is the maximum nesting of arrays and objects.
const MaxDepth = 32

// ErrSyntax says that a document is not strict JSON. It contains no text of the document.
var ErrSyntax = errors.New("strictjson: not a strict JSON document")

// ErrType says that a member does not have the requested type.
var ErrType = errors.New("strictjson: member of the wrong type")

// Object lists the members of a JSON object in their original order. It keeps the parsed text and, for each member, where its name and its
// value begin; names and values are parts of the text. The zero value is no object and has no members.
type Object struct {
	text    string
	members Members
}

// Empty is an object without members.
var Empty = Object{text: "{}"}

// Parse parses one object. The error is [ErrSyntax].
func Parse(text string) (Object, error) {
	var room [usual]Member
	members, err := Scan(room[:0], text)
	if err != nil {
		return Object{}, err
	}
	return Object{text, append(make(Members, 0, len(members)), members...)}, nil // it may be cached: no more than it needs
}

// Exists reports whether this is an object, perhaps without members.
func (o Object) Exists() bool { return o.text != "" }

// Text returns the parsed text.
func (o Object) Text() string { return o.text }

// Len returns the number of members.
func (o Object) Len() int { return len(o.members) }

// All returns the names and the JSON texts of the members, in their order.
func (o Object) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range o.members {
			if !yield(o.members.name(o.text, i), o.members.value(o.text, i)) {
				return
			}
		}
	}
}

// Get returns the JSON text of the member with exactly this name. A null counts as absent.
func (o Object) Get(name string) (value string, ok bool) { return o.members.get(o.text, name) }

// Has reports whether there is a member with exactly this name. A null counts as present.
func (o Object) Has(name string) bool { return o.members.Has(o.text, name) }

// FoldsTo reports whether the object has a name that equals one of names except for its case ("EXP", "iſs"): a reader that
// ignores case would take it for the real one. names must be in lower case.
func (o Object) FoldsTo(names ...string) bool { return o.members.FoldsTo(o.text, names...) }

// String returns a string member: "" if absent, [ErrType] if it is not a string.
func (o Object) String(name string) (string, error) { return o.members.String(o.text, name) }

// Strings returns a member that is a string or a list of strings: nil if absent, [ErrType] if it is anything else.
func (o Object) Strings(name string) ([]string, error) { return o.AppendStrings(nil, name) }

// AppendStrings is Strings with a buffer: it appends the strings to into.
func (o Object) AppendStrings(into []string, name string) ([]string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return into, nil
	}
	if raw[0] == '"' {
		one, err := Text(raw)
		return append(into, one), err
	}
	return appendEntries(into, raw, Text) // refuses other types, null entries too
}

// Number returns a finite number and whether it is present; [ErrType] if it is not a number. With textual, a string that
// contains a number is accepted too.
func (o Object) Number(name string, textual bool) (float64, bool, error) {
	raw, ok := o.Get(name)
	if !ok {
		return 0, false, nil
	}
	if textual && raw[0] == '"' {
		text, err := Text(raw)
		if err != nil {
			return 0, false, ErrType
		}
		if !isNumber(text) {
			return 0, false, ErrType
		}
		raw = text
	}
	if c := raw[0]; c != '-' && (c < '0' || c > '9') { // a parsed value that begins with one of these is a number
		return 0, false, ErrType
	}
	if number, ok := smallInteger(raw); ok {
		return number, true, nil
	}
	number, err := strconv.ParseFloat(raw, 64)
	if err != nil { // out of the range of float64
		return 0, false, ErrType
	}
	return number, true, nil
}

// smallInteger parses a non-negative integer of at most 15 digits, as most numbers in tokens are. The result is exact.
func smallInteger(text string) (float64, bool) {
	if len(text) > 15 {
		return 0, false
	}
	n := int64(0)
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return float64(n), true
}

// isNumber checks the JSON grammar, because ParseFloat accepts more.
func isNumber(text string) bool {
	s := scanner{data: text}
	return s.number() && s.pos == len(text)
}

// Object returns a member that is an object: the zero Object if absent, [ErrType] if it is anything else.
func (o Object) Object(name string) (Object, error) {
	raw, ok := o.Get(name)
	if !ok {
		return Object{}, nil
	}
	object, err := Parse(raw)
	if err != nil {
		return Object{}, ErrType
	}
	return object, nil
}

// Entries returns the entries of a list from a parsed document as JSON texts; [ErrType] if the value is not a list.
func Entries(value string) ([]string, error) {
	return appendEntries(nil, value, func(entry string) (string, error) { return entry, nil })
}

func appendEntries(into []string, value string, read func(entry string) (string, error)) ([]string, error) {
	s := scanner{data: value}
	if !s.take('[') {
		return nil, ErrType
	}
	for first := true; ; first = false {
		entry, more, ok := s.entry(1, first)
		if ok && !more {
			return into, nil
		}
		made, err := read(entry)
		if !ok || err != nil {
			return nil, ErrType
		}
		into = append(into, made)
	}
}

// Text decodes a string from a parsed document, given with its quotes. Without escapes the result is a part of value. The
// error is [ErrType] if the value is not a string.
func Text(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return "", ErrType
	}
	if body := value[1 : len(value)-1]; !strings.Contains(body, `\`) {
		return body, nil
	}
	var text string
	if json.Unmarshal([]byte(value), &text) != nil {
		return "", ErrType
	}
	return text, nil
}
