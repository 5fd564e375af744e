package strictjson

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner walks over one document. Every method reads one thing at pos and reports whether it was well-formed. It is made to
// live on a stack: nothing in it points into itself, and no method is handed to another.
type scanner struct {
	data  string
	pos   int
	names names
}

// names are those of the objects that are open, the innermost last. Most documents have no more than usual ones at once.
type names struct {
	first [usual]string
	more  []string
	count int
}

// usual is how many names are given room for at first, those of inner objects among them.
const usual = 48

func (n *names) add(name string) {
	if n.count < usual {
		n.first[n.count] = name
	} else {
		n.more = append(n.more, name)
	}
	n.count++
}

// since returns the names behind the first count ones.
func (n *names) since(count int) (first, more []string) {
	return n.first[min(count, usual):min(n.count, usual)], n.more[max(0, count-usual):]
}

// drop forgets the names of an object that has been closed, but the first count.
func (n *names) drop(count int) {
	n.more = n.more[:max(0, count-usual)]
	n.count = count
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

// object reads an object, and adds its members to into where they are kept.
func (s *scanner) object(depth int, into Object, keep bool) (Object, bool) {
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
		member, ok := s.member(depth)
		if !ok || s.isDuplicate(outer, &seen, member.Name) {
			return into, false
		}
		s.names.add(member.Name)
		if keep {
			into = append(into, member)
		}
	}
	s.names.drop(outer)
	return into, true
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

// seen tells the new names of an object from those that came.
type seen struct {
	kinds uint64 // a bit for each kind of name that came, so that most new ones are known by it
	names map[string]struct{}
}

// hasKind reports whether a name of this length and first character, or one of few others, came before.
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

// isDuplicate reports whether a name came before in the object that began when there were outer names.
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

// entry reads the next entry of a list whose bracket was taken, and returns it as it stands there, or no more than the
// list's end.
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

// text reads a string and returns it with its quotes, and whether it holds an escape.
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

// special is what is no printable ASCII character that stands for itself.
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
