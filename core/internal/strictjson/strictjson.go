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
	"math"
	"strings"
)

// MaxDepth is how many arrays and objects may stand inside each other.
const MaxDepth = 32

// ErrSyntax says that a document is not JSON as this package reads it. No text of the document is in it.
var ErrSyntax = errors.New("strictjson: not a strict JSON document")

// ErrType says that a member has another type than the reader needs.
var ErrType = errors.New("strictjson: member of the wrong type")

// Member is one member of an object; Value is its text, checked and undecoded.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Object is a JSON object in the order of its text. The values are views of the parsed bytes: whoever parses keeps
// those bytes unchanged.
type Object []Member

// Parse reads one object and refuses everything else with [ErrSyntax].
func Parse(data []byte) (Object, error) {
	s := scanner{data: data}
	s.space()
	var object Object
	if !s.object(1, &object) {
		return nil, ErrSyntax
	}
	if s.space(); s.pos != len(data) {
		return nil, ErrSyntax
	}
	return object, nil
}

// Get returns the member of exactly this name; a null is absent.
func (o Object) Get(name string) (json.RawMessage, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, string(o[i].Value) != "null"
		}
	}
	return nil, false
}

// FoldsTo reports whether a name of the object is one of names in another spelling of case ("EXP", "iſs"): a reader
// that folds case would take it for the real one.
func (o Object) FoldsTo(names ...string) bool {
	for i := range o {
		for _, name := range names {
			if o[i].Name != name && strings.EqualFold(o[i].Name, name) {
				return true
			}
		}
	}
	return false
}

// String returns a text member: "" when absent, [ErrType] when it is no text.
func (o Object) String(name string) (string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return "", nil
	}
	return decodeString(raw)
}

// Strings returns a member that is a text or a list of texts: nil when absent, [ErrType] otherwise.
func (o Object) Strings(name string) ([]string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return nil, nil
	}
	if raw[0] == '"' {
		one, err := decodeString(raw)
		return []string{one}, err
	}
	var list []any // []string would take a null for an empty text
	if json.Unmarshal(raw, &list) != nil {
		return nil, ErrType
	}
	out := make([]string, len(list))
	for i, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, ErrType
		}
		out[i] = text
	}
	return out, nil
}

// Number returns a finite number and whether it is present; [ErrType] when it is no number. With textual, a text that
// holds a number will do.
func (o Object) Number(name string, textual bool) (float64, bool, error) {
	raw, ok := o.Get(name)
	if !ok {
		return 0, false, nil
	}
	if textual && raw[0] == '"' {
		text, err := decodeString(raw)
		if s := (scanner{data: []byte(text)}); err != nil || !s.number() || s.pos != len(text) {
			return 0, false, ErrType
		}
		raw = json.RawMessage(text)
	}
	var number float64
	if json.Unmarshal(raw, &number) != nil || math.IsInf(number, 0) {
		return 0, false, ErrType
	}
	return number, true, nil
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

func decodeString(raw json.RawMessage) (string, error) {
	if raw[0] != '"' {
		return "", ErrType
	}
	if body := raw[1 : len(raw)-1]; !strings.Contains(string(body), `\`) {
		return string(body), nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "", ErrType
	}
	return text, nil
}
