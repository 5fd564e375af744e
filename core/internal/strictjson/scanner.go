package strictjson

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner parses one document. Each method reads one element at pos and reports whether it is well-formed. To stay on the
// stack, a scanner holds no pointer to itself, and no method value of it is passed on.
type scanner struct {
	data  string
	pos   int
	names names
}

// names is a stack of the member names of the open objects, the innermost last. Most documents need no more than usual.
type names struct {
	first [usual]string
	more  []string
	count int
}

// usual is how many names fit without an allocation.
const usual = 48

func (n *names) add(name string) {
	if n.count < usual {
		n.first[n.count] = name
	} else {
		n.more = append(n.more, name)
	}
	n.count++
}

// since returns the names after the first count.
func (n *names) since(count int) (first, more []string) {
	return n.first[min(count, usual):min(n.count, usual)], n.more[max(0, count-usual):]
}

// drop removes all names but the first count, when an object is closed.
func (n *names) drop(count int) {
	n.more = n.more[:max(0, count-usual)]
	n.count = count
}

// manyNames is the number of members at which duplicates are looked up in a map; for fewer a linear search is faster.
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
		_, ok := s.object(depth+1, nil, false)
		return ok
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

// object reads an object; with keep it appends the members to into.
func (s *scanner) object(depth int, into []Member, keep bool) ([]Member, bool) {
	if depth > MaxDepth || !s.take('{') {
		return into, false
	}
	outer := s.names.count
	var seen seen
	for s.space(); !s.take('}'); s.space() {
		if s.names.count > outer {
			if !s.take(',') {
				return into, false
			}
			s.space()
		}
		name, member, ok := s.member(depth)
		if !ok || s.isDuplicate(outer, &seen, name) {
			return into, false
		}
		s.names.add(name)
		if keep {
			into = append(into, member)
		}
	}
	s.names.drop(outer)
	return into, true
}

func (s *scanner) member(depth int) (name string, m Member, ok bool) {
	m.name = uint32(s.pos + 1) // Scan bounds the text
	quoted, isEscaped, ok := s.text()
	if !ok {
		return "", m, false
	}
	name, err := decodeText(quoted, isEscaped)
	if err != nil {
		return "", m, false
	}
	if isEscaped {
		m.name |= escaped
	}
	if s.space(); !s.take(':') {
		return "", m, false
	}
	s.space()
	m.value = uint32(s.pos) // Scan bounds the text
	return name, m, s.value(depth)
}

// seen detects duplicate names in one object.
type seen struct {
	kinds uint64 // one bit per kind of name, a filter that recognizes most new names
	names map[string]struct{}
}

// hasKind reports whether a name of the same kind, by length and first character, came before; it may err on that side.
func (s *seen) hasKind(name string) bool {
	kind := uint64(len(name))
	if name != "" {
		kind += 7 * uint64(name[0])
	}
	bit := uint64(1) << (kind % 64)
	known := s.kinds&bit != 0
	s.kinds |= bit
	return known
}

// isDuplicate reports whether a name came before in the current object; outer is the number of names when it began.
func (s *scanner) isDuplicate(outer int, seen *seen, name string) bool {
	first, more := s.names.since(outer)
	if len(first)+len(more) < manyNames {
		return seen.hasKind(name) && (slices.Contains(first, name) || slices.Contains(more, name))
	}
	if seen.names == nil {
		seen.names = make(map[string]struct{}, 2*manyNames)
		for _, known := range slices.Concat(first, more) {
			seen.names[known] = struct{}{}
		}
	}
	_, twice := seen.names[name]
	seen.names[name] = struct{}{}
	return twice
}

func (s *scanner) array(depth int) bool {
	if depth > MaxDepth || !s.take('[') {
		return false
	}
	for first := true; ; first = false {
		if _, more, ok := s.entry(depth, first); !ok || !more {
			return ok
		}
	}
}

// entry reads the next entry of a list, after its opening bracket, and returns its text; more is false at the end of the list.
func (s *scanner) entry(depth int, first bool) (entry string, more, ok bool) {
	s.space()
	if s.take(']') {
		return "", false, true
	}
	if !first {
		if !s.take(',') {
			return "", false, false
		}
		s.space()
	}
	start := s.pos
	if !s.value(depth) {
		return "", false, false
	}
	return s.data[start:s.pos], true, true
}

// text reads a string and returns it with its quotes, and whether it contains an escape.
func (s *scanner) text() (quoted string, escaped, ok bool) {
	start := s.pos
	if !s.take('"') {
		return "", false, false
	}
	for {
		rest, i := s.data[s.pos:], 0
		for i < len(rest) && !special[rest[i]] {
			i++
		}
		s.pos += i
		if i == len(rest) {
			return "", false, false
		}
		switch c := rest[i]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, true
		case c == '\\':
			if escaped = true; !s.escape() {
				return "", false, false
			}
		case c < 0x20:
			return "", false, false
		default:
			r, size := utf8.DecodeRuneInString(rest[i:])
			if r == utf8.RuneError && size == 1 {
				return "", false, false
			}
			s.pos += size
		}
	}
}

// special marks the bytes that need a closer look in a string: control characters, quote, backslash and non-ASCII.
var special = func() (set [256]bool) {
	for c := range set {
		set[c] = c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\'
	}
	return set
}()

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
	for _, d := range []byte(digits) { // ParseUint alone would accept a sign or an underscore
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
