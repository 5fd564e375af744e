package claims

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Exact returns the JSON text of a parsed document without the members for which the type has no field of exactly that name, at
// any depth. encoding/json ignores case if no member has the exact name of a field; what it decodes from the result is what
// [Token.Find] finds. Maps, interfaces and types with an UnmarshalJSON or UnmarshalText method get the original text.
func Exact(text string, t reflect.Type) []byte {
	return appendExact(nil, strings.Trim(text, " \t\r\n"), t) // white space of JSON
}

func appendExact(into []byte, text string, t reflect.Type) []byte {
	for t.Kind() == reflect.Pointer && !decodesItself(t) {
		t = t.Elem()
	}
	switch {
	case decodesItself(t):
	case t.Kind() == reflect.Struct && text[0] == '{':
		fields := fieldsOf(t)
		return appendMembers(into, text, func(name string) reflect.Type { return fields[name] })
	case t.Kind() == reflect.Map && text[0] == '{':
		return appendMembers(into, text, func(string) reflect.Type { return t.Elem() })
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && text[0] == '[':
		return appendList(into, text, t.Elem())
	}
	return append(into, text...)
}

// appendMembers appends an object with only the members for whose name typeOf returns a type.
func appendMembers(into []byte, text string, typeOf func(name string) reflect.Type) []byte {
	object, err := strictjson.Parse(text)
	if err != nil { // it was parsed before
		return append(into, "{}"...)
	}
	into = append(into, '{')
	first := true
	for name, value := range object.All() {
		t := typeOf(name)
		if t == nil {
			continue
		}
		if !first {
			into = append(into, ',')
		}
		first = false
		quoted, _ := json.Marshal(name) // never fails for a string
		into = append(append(into, quoted...), ':')
		into = appendExact(into, value, t)
	}
	return append(into, '}')
}

func appendList(into []byte, text string, t reflect.Type) []byte {
	entries, err := strictjson.Entries(text)
	if err != nil { // it was parsed before
		return append(into, "[]"...)
	}
	into = append(into, '[')
	for i, entry := range entries {
		if i > 0 {
			into = append(into, ',')
		}
		into = appendExact(into, entry, t)
	}
	return append(into, ']')
}

var (
	decoder     = reflect.TypeFor[json.Unmarshaler]()
	textDecoder = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func decodesItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return pointer.Implements(decoder) || pointer.Implements(textDecoder)
}

// structs caches the result of fieldsOf. It is not bounded, because a program has few types.
var structs sync.Map

// fieldsOf returns the types of a struct's fields by their names in encoding/json. Among fields of the same name the one at the
// shallowest embedding wins, at the same depth the one with a tag; if two are left, none.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := structs.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields, seen := make(map[string]reflect.Type), make(map[reflect.Type]bool)
	for level := []reflect.Type{t}; len(level) > 0; {
		found, embedded := fieldsAt(level)
		for name, all := range found {
			if _, hidden := fields[name]; !hidden {
				fields[name] = dominant(all)
			}
		}
		for _, t := range level {
			seen[t] = true
		}
		level = level[:0:0]
		for _, t := range embedded {
			if !seen[t] {
				level = append(level, t)
			}
		}
	}
	structs.Store(t, fields)
	return fields
}

type field struct {
	t      reflect.Type
	tagged bool
}

// fieldsAt returns the fields of the structs, and the structs that they embed.
func fieldsAt(level []reflect.Type) (found map[string][]field, embedded []reflect.Type) {
	found = make(map[string][]field)
	for _, t := range level {
		for i := range t.NumField() {
			f := t.Field(i)
			inner := f.Type
			if inner.Name() == "" && inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			isStruct := f.Anonymous && inner.Kind() == reflect.Struct
			tag := f.Tag.Get("json")
			if tag == "-" || !f.IsExported() && !isStruct {
				continue
			}
			name, _, _ := strings.Cut(tag, ",")
			if !isName(name) {
				name = ""
			}
			switch {
			case name != "":
				found[name] = append(found[name], field{f.Type, true})
			case isStruct:
				embedded = append(embedded, inner)
			default:
				found[f.Name] = append(found[f.Name], field{f.Type, false})
			}
		}
	}
	return found, embedded
}

// dominant returns the type of the field that wins among fields of one name and depth, nil for none.
func dominant(all []field) (t reflect.Type) {
	for _, tagged := range []bool{true, false} {
		n := 0
		for _, f := range all {
			if f.tagged == tagged {
				t, n = f.t, n+1
			}
		}
		if n == 1 {
			return t
		}
		if n > 1 {
			return nil
		}
	}
	return nil
}

// isName reports whether encoding/json accepts the text of a tag as a name.
func isName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
	}) < 0
}
