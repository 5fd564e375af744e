package strictjson

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner walks over one document. Every method reads one thing at pos and reports whether it was well-formed.
type scanner struct {
	data  string
	pos   int
	names []string // of the objects that are open, the innermost last
}

// manyNames is the number of members from which on a map finds duplicates; below it a walk over the list is faster.
const manyNames = 32

func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.pos >= len(s.data) {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.data[s.pos:], word) {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *scanner) value(depth int) bool {
	switch s.peek() {
	case '{':
		return s.object(depth+1, nil)
	case '[':
		return s.array(depth + 1)
	case '"':
		_, _, ok := s.text()
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// object reads an object, and adds its members to into unless that is nil.
func (s *scanner) object(depth int, into *Object) bool {
	if depth > MaxDepth || !s.take('{') {
		return false
	}
	outer := len(s.names)
	var seen map[string]struct{}
	for s.space(); !s.take('}'); {
		if len(s.names) > outer {
			if !s.take(',') {
				return false
			}
			s.space()
		}
		member, ok := s.member(depth)
		if !ok || duplicate(s.names[outer:], &seen, member.Name) {
			return false
		}
		s.names = append(s.names, member.Name)
		if into != nil {
			*into = append(*into, member)
		}
		s.space()
	}
	s.names = s.names[:outer]
	return true
}

func (s *scanner) member(depth int) (Member, bool) {
	quoted, escaped, ok := s.text()
	if !ok {
		return Member{}, false
	}
	name, err := decodeText(quoted, escaped)
	if err != nil {
		return Member{}, false
	}
	if s.space(); !s.take(':') {
		return Member{}, false
	}
	s.space()
	start := s.pos
	if !s.value(depth) {
		return Member{}, false
	}
	return Member{Name: name, Value: s.data[start:s.pos]}, true
}

// duplicate reports whether name stands among names already, and remembers it once they are many.
func duplicate(names []string, seen *map[string]struct{}, name string) bool {
	if len(names) < manyNames {
		return slices.Contains(names, name)
	}
	if *seen == nil {
		*seen = make(map[string]struct{}, 2*manyNames)
		for _, known := range names {
			(*seen)[known] = struct{}{}
		}
	}
	_, twice := (*seen)[name]
	(*seen)[name] = struct{}{}
	return twice
}

func (s *scanner) array(depth int) bool {
	return s.list(depth, func(string) bool { return true })
}

// list reads a list and hands over each entry as it stands there, until take says no.
func (s *scanner) list(depth int, take func(entry string) bool) bool {
	if depth > MaxDepth || !s.take('[') {
		return false
	}
	first := true
	for s.space(); !s.take(']'); s.space() {
		if !first {
			if !s.take(',') {
				return false
			}
			s.space()
		}
		first = false
		start := s.pos
		if !s.value(depth) || !take(s.data[start:s.pos]) {
			return false
		}
	}
	return true
}

// text reads a string and returns it with its quotes, and whether it holds an escape.
func (s *scanner) text() (quoted string, escaped, ok bool) {
	start := s.pos
	if !s.take('"') {
		return "", false, false
	}
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, true
		case c == '\\':
			if escaped = true; !s.escape() {
				return "", false, false
			}
		case c < 0x20:
			return "", false, false
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRuneInString(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", false, false
			}
			s.pos += size
		}
	}
	return "", false, false
}

func decodeText(quoted string, escaped bool) (string, error) {
	if !escaped {
		return quoted[1 : len(quoted)-1], nil
	}
	return Text(quoted)
}

func (s *scanner) escape() bool {
	s.pos++
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		unit, ok := s.hex4()
		if !ok || unit >= 0xDC00 && unit < 0xE000 {
			return false
		}
		if unit < 0xD800 || unit >= 0xE000 {
			return true
		}
		if !s.literal(`\u`) {
			return false
		}
		low, ok := s.hex4()
		return ok && low >= 0xDC00 && low < 0xE000
	default:
		return false
	}
}

func (s *scanner) hex4() (uint64, bool) {
	if len(s.data)-s.pos < 4 {
		return 0, false
	}
	digits := s.data[s.pos : s.pos+4]
	s.pos += 4
	for _, d := range []byte(digits) { // ParseUint alone would take a sign or an underscore
		if (d < '0' || d > '9') && (d|0x20 < 'a' || d|0x20 > 'f') {
			return 0, false
		}
	}
	unit, err := strconv.ParseUint(digits, 16, 16)
	return unit, err == nil
}

// number reads a number by the grammar of RFC 8259 section 6.
func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.peek()|0x20 == 'e' {
		s.pos++
		if !s.take('-') {
			s.take('+')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}
