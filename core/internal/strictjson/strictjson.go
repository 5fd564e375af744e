// Package strictjson reads JSON objects of strangers in exactly one way.
//
// encoding/json takes the last of two equal names, folds the case of names, and replaces broken UTF-8; two readers of
// one token can then see two different callers. Here such a document is refused: RFC 8259 grammar, UTF-8, no duplicate
// name at any depth, no lone surrogate, at most [MaxDepth] levels, nothing behind the value.
//
// All functions are safe for concurrent use.
package strictjson

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects may stand inside each other.
const MaxDepth = 32

// ErrSyntax says that a document is not JSON as this package reads it. No text of the document is in it.
var ErrSyntax = errors.New("strictjson: not a strict JSON document")

// ErrType says that a member has another type than the reader needs.
var ErrType = errors.New("strictjson: member of the wrong type")

// Member is one member of an object; Value is its text, checked and undecoded.
type Member struct {
	Name, Value string
}

// Object is a JSON object in the order of its text, of which names and values are parts.
type Object []Member

// Parse reads one object and refuses everything else with [ErrSyntax].
func Parse(text string) (Object, error) {
	return Append(make(Object, 0, len(text)/32+4), text) // about what a token's claims are
}

// Append is Parse for who has room: the members come behind those of into.
func Append(into Object, text string) (Object, error) {
	s := scanner{data: text}
	s.space()
	object, ok := s.object(1, into, true)
	if s.space(); !ok || s.pos != len(text) {
		return nil, ErrSyntax
	}
	return object, nil
}

// Get returns the member of exactly this name; a null is absent.
func (o Object) Get(name string) (value string, ok bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, o[i].Value != "null"
		}
	}
	return "", false
}

// FoldsTo reports whether a name of the object is one of names in another spelling of case ("EXP", "iſs"): a reader
// that folds case would take it for the real one. names are in lower case.
func (o Object) FoldsTo(names ...string) bool {
	for i := range o {
		if isLower(o[i].Name) {
			continue
		}
		for _, name := range names {
			if strings.EqualFold(o[i].Name, name) {
				return true
			}
		}
	}
	return false
}

// isLower says that a name is no other spelling of any name in lower case.
func isLower(name string) bool {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// String returns a text member: "" when absent, [ErrType] when it is no text.
func (o Object) String(name string) (string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return "", nil
	}
	return Text(raw)
}

// Strings returns a member that is a text or a list of texts: nil when absent, [ErrType] otherwise.
func (o Object) Strings(name string) ([]string, error) { return o.AppendStrings(nil, name) }

// AppendStrings is Strings for who has room: the texts come behind those of into.
func (o Object) AppendStrings(into []string, name string) ([]string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return into, nil
	}
	if raw[0] == '"' {
		one, err := Text(raw)
		return append(into, one), err
	}
	return appendEntries(into, raw, Text) // another type is refused, a null too
}

// Number returns a finite number and whether it is present; [ErrType] when it is no number. With textual, a text that
// holds a number will do.
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
	if c := raw[0]; c != '-' && (c < '0' || c > '9') { // what was parsed and begins so is a number
		return 0, false, ErrType
	}
	if number, ok := smallInteger(raw); ok {
		return number, true, nil
	}
	number, err := strconv.ParseFloat(raw, 64)
	if err != nil { // beyond what a float64 holds
		return 0, false, ErrType
	}
	return number, true, nil
}

// smallInteger reads what most numbers of tokens are, exactly.
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

// isNumber is the grammar of JSON: ParseFloat alone would take more.
func isNumber(text string) bool {
	s := scanner{data: text}
	return s.number() && s.pos == len(text)
}

// Object returns a member that is an object: nil when absent, [ErrType] otherwise.
func (o Object) Object(name string) (Object, error) {
	raw, ok := o.Get(name)
	if !ok {
		return nil, nil
	}
	object, err := Parse(raw)
	if err != nil {
		return nil, ErrType
	}
	return object, nil
}

// Entries returns the entries of a list that stands in a parsed document; [ErrType] when the value is none.
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

// Text decodes a text that stands in a parsed document, quotes and all: one without escapes is a part of it. [ErrType] when
// the value is no text.
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
