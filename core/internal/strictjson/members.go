package strictjson

import (
	"strings"
	"unicode/utf8"
)

// Members are the places of an object's members in its text. The methods are those of [Object], for a caller who keeps the text
// elsewhere: then the compiler can keep the members on the stack.
type Members []Member

// Member is the place of one member.
type Member struct {
	name  uint32 // of the first byte after the quote, and whether the name is escaped
	value uint32
}

// escaped marks a name with an escape.
const escaped = 1 << 31

// Scan parses one object and appends the places of its members to into. The error is [ErrSyntax].
func Scan(into []Member, text string) (Members, error) {
	if len(text) >= escaped {
		return nil, ErrSyntax
	}
	s := scanner{data: text}
	s.space()
	members, ok := s.object(1, into, true)
	if s.space(); !ok || s.pos != len(text) {
		return nil, ErrSyntax
	}
	return members, nil
}

// String is [Object.String].
func (m Members) String(text, name string) (string, error) {
	raw, ok := m.get(text, name)
	if !ok {
		return "", nil
	}
	return Text(raw)
}

// Has is [Object.Has].
func (m Members) Has(text, name string) bool { return m.find(text, name) >= 0 }

// FoldsTo is [Object.FoldsTo].
func (m Members) FoldsTo(text string, names ...string) bool {
	for i := range m {
		given := m.name(text, i)
		if isLower(given) {
			continue
		}
		for _, name := range names {
			if strings.EqualFold(given, name) {
				return true
			}
		}
	}
	return false
}

// isLower reports whether a name cannot be a different spelling of a name in lower case.
func isLower(name string) bool {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (m Members) get(text, name string) (value string, ok bool) {
	i := m.find(text, name)
	if i < 0 {
		return "", false
	}
	value = m.value(text, i)
	return value, value != "null"
}

// find returns the number of the member with exactly this name, -1 if there is none. Its value follows, so the text goes on after a name.
func (m Members) find(text, name string) int {
	for i := range m {
		start := int(m[i].name)
		if start&escaped != 0 {
			if m.name(text, i) == name {
				return i
			}
			continue
		}
		if end := start + len(name); end < len(text) && text[end] == '"' && text[start:end] == name {
			return i
		}
	}
	return -1
}

// name returns the name of a member, which ends before a quote, a colon and the value.
func (m Members) name(text string, i int) string {
	start, end := int(m[i].name&^escaped), before(text, before(text, int(m[i].value))-1)-1
	if m[i].name&escaped == 0 {
		return text[start:end]
	}
	name, _ := Text(text[start-1 : end+1]) // it was decoded before
	return name
}

// value returns the JSON text of a member, which ends before a comma and the next name, or before the end of the object.
func (m Members) value(text string, i int) string {
	end := len(text)
	if i+1 < len(m) {
		end = int(m[i+1].name&^escaped) - 1
	}
	return text[m[i].value:before(text, before(text, end)-1)]
}

// before returns the end of what stands before white space and end.
func before(text string, end int) int {
	for ; end > 0; end-- {
		switch text[end-1] {
		case ' ', '\t', '\n', '\r':
		default:
			return end
		}
	}
	return 0
}
