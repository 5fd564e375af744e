package strictjson

import (
	"strconv"
	"unicode/utf8"
)

// scanner walks over one document. Every method reads one thing at pos and reports whether it was well-formed.
type scanner struct {
	data []byte
	pos  int
}

// manyNames is the number of members from which on a map finds duplicates; below it a walk over the list is faster.
const manyNames = 16

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
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *scanner) value(depth int) bool {
	switch s.peek() {
	case '{':
		var inner Object
		return s.object(depth+1, &inner)
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

func (s *scanner) object(depth int, into *Object) bool {
	if depth > MaxDepth || !s.take('{') {
		return false
	}
	var seen map[string]struct{}
	for s.space(); !s.take('}'); {
		if len(*into) > 0 {
			if !s.take(',') {
				return false
			}
			s.space()
		}
		member, ok := s.member(depth)
		if !ok || duplicate(*into, &seen, member.Name) {
			return false
		}
		*into = append(*into, member)
		s.space()
	}
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
	return Member{Name: name, Value: s.data[start:s.pos:s.pos]}, true
}

// duplicate reports whether name stands in members already, and remembers it once the list is long.
func duplicate(members Object, seen *map[string]struct{}, name string) bool {
	if len(members) < manyNames {
		for i := range members {
			if members[i].Name == name {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[string]struct{}, 2*manyNames)
		for i := range members {
			(*seen)[members[i].Name] = struct{}{}
		}
	}
	_, twice := (*seen)[name]
	(*seen)[name] = struct{}{}
	return twice
}

func (s *scanner) array(depth int) bool {
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
		if first = false; !s.value(depth) {
			return false
		}
	}
	return true
}

// text reads a string and returns it with its quotes, and whether it holds an escape.
func (s *scanner) text() (quoted []byte, escaped, ok bool) {
	start := s.pos
	if !s.take('"') {
		return nil, false, false
	}
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, true
		case c == '\\':
			if escaped = true; !s.escape() {
				return nil, false, false
			}
		case c < 0x20:
			return nil, false, false
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, false, false
			}
			s.pos += size
		}
	}
	return nil, false, false
}

func decodeText(quoted []byte, escaped bool) (string, error) {
	if !escaped {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	return decodeString(quoted)
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
	for _, d := range digits { // ParseUint alone would take a sign or an underscore
		if (d < '0' || d > '9') && (d|0x20 < 'a' || d|0x20 > 'f') {
			return 0, false
		}
	}
	unit, err := strconv.ParseUint(string(digits), 16, 16)
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
