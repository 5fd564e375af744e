package conformance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// ruleNames lists the rules by which this library refuses tokens, including those that all libraries have.
var ruleNames = []string{
	"a token has 16 KiB at most", "a token is compact: three parts", "a part has one spelling in base64url", "no part is empty",
	"the header is a JSON object", "the payload is a JSON object",
	"the header has broken UTF-8", "the header has a lone surrogate", "the header has a name twice", "the header has more than 32 levels",
	"the payload has broken UTF-8", "the payload has a lone surrogate", "the payload has a name twice", "the payload has more than 32 levels", "the payload has no JSON",
	"no header member is another spelling of one that decides", "nothing in the header asks for what we do not do", "alg, kid, typ and cty are texts",
	"a kid names a key", "no token is nested in a token", "a key has one algorithm",
}

// broken returns the rules that a token breaks. It implements each rule in another way than the package under test. A token
// that breaks none is accepted, or refused for its signature.
func broken(raw string, key jose.Key) (rules []string) {
	add := func(is bool, rule string) {
		if is {
			rules = append(rules, rule)
		}
	}
	add(len(raw) > jose.MaxTokenSize, "a token has 16 KiB at most")
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return append(rules, "a token is compact: three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		text, err := base64.RawURLEncoding.DecodeString(part)
		decoded[i] = text
		add(err != nil || base64.RawURLEncoding.EncodeToString(text) != part, "a part has one spelling in base64url")
		add(part == "", "no part is empty")
	}
	if len(rules) > 0 {
		return rules
	}
	var header map[string]json.RawMessage
	if json.Unmarshal(decoded[0], &header) != nil || header == nil {
		return append(rules, "the header is a JSON object")
	}
	for what, text := range map[string][]byte{"the header": decoded[0], "the payload": decoded[1]} {
		for _, fault := range looseness(text) {
			rules = append(rules, what+" has "+fault)
		}
	}
	add(json.Unmarshal(decoded[1], &map[string]json.RawMessage{}) != nil || firstOf(decoded[1]) != '{', "the payload is a JSON object")
	for name, value := range header {
		for _, ours := range []string{"alg", "kid", "typ", "cty", "crit", "b64", "enc", "zip"} {
			add(name != ours && strings.EqualFold(name, ours), "no header member is another spelling of one that decides")
		}
		add(slices.Contains([]string{"crit", "b64", "enc", "zip"}, name), "nothing in the header asks for what we do not do")
		add(slices.Contains([]string{"alg", "typ", "cty", "kid"}, name) && value[0] != '"' && string(value) != "null", "alg, kid, typ and cty are texts")
		add(name == "kid" && (string(value) == "null" || string(value) == `""`), "a kid names a key")
		add(name == "cty" && regexp.MustCompile(`(?i)^(application/)?jwt$`).MatchString(text(value)), "no token is nested in a token")
	}
	alg := text(header["alg"])
	add(alg != key.Alg && !(alg == "Ed25519" && key.Alg == "EdDSA"), "a key has one algorithm")
	return rules
}

// exempt returns the reason why another library may refuse a token that this library accepts, "" if there is none.
func exempt(raw, library string) string {
	head, _, _ := strings.Cut(raw, ".")
	decoded, _ := base64.RawURLEncoding.DecodeString(head) // valid: this library accepted it
	var header map[string]json.RawMessage
	_ = json.Unmarshal(decoded, &header) // the same
	unread := func(name string) bool { _, has := header[name]; return has }
	switch {
	case text(header["alg"]) == "Ed25519":
		return "RFC 9864 is younger than both"
	case json.Unmarshal(decoded, new(any)) != nil:
		return "a number that nobody asks for is larger than a float64 holds"
	case library == "jwx" && (decoded[0] != '{' || decoded[len(decoded)-1] != '}'):
		return "jwx takes no space around the header's braces"
	case library == "jwx" && slices.ContainsFunc([]string{"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"}, unread):
		return "jwx reads the types of members that we must not look at"
	}
	return ""
}

func text(value json.RawMessage) (text string) {
	_ = json.Unmarshal(value, &text) // of another type: ""
	return text
}

func firstOf(text []byte) byte {
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 {
		return text[0]
	}
	return 0
}

var surrogate = regexp.MustCompile(`(?i)\\(\\|u(d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|[0-9a-f]{4})|.)`)

// looseness lists the faults that encoding/json ignores and that two parsers may read differently.
func looseness(document []byte) (faults []string) {
	if !utf8.Valid(document) {
		faults = append(faults, "broken UTF-8")
	}
	for _, escape := range surrogate.FindAllString(string(document), -1) {
		if len(escape) == 6 && (escape[2]|0x20) == 'd' && escape[3] > '7' {
			faults = append(faults, "a lone surrogate")
		}
	}
	type level struct {
		object bool
		name   bool // the next string is a name
		names  map[string]bool
	}
	var open []level
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return append(faults, "no JSON")
		}
		top := len(open) - 1
		switch delim, isDelim := token.(json.Delim); {
		case isDelim && (delim == '{' || delim == '['):
			if top >= 0 {
				open[top].name = open[top].object
			}
			if open = append(open, level{delim == '{', delim == '{', map[string]bool{}}); len(open) > 32 {
				return append(faults, "more than 32 levels")
			}
		case isDelim:
			open = open[:top]
		case top >= 0 && open[top].object && open[top].name:
			if name := token.(string); open[top].names[name] {
				faults = append(faults, "a name twice")
			} else {
				open[top].names[name] = true
			}
			open[top].name = false
		case top >= 0:
			open[top].name = open[top].object
		}
	}
	return faults
}
