package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// TestParseRefuses covers objects, byte order mark, trailing data, depth, duplicate members and UTF-8.
func TestParseRefuses(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = `"n` + strings.Repeat("x", i) + `":1`
	}
	for name, text := range map[string]string{
		"nothing":             ``,
		"list":                `[]`,
		"text":                `"a"`,
		"byte order mark":     "\xef\xbb\xbf{}",
		"trailing data":       `{} {}`,
		"trailing comma":      `{"a":1,}`,
		"trailing list comma": `{"a":[1,]}`,
		"missing comma":       `{"a":1 "b":2}`,
		"list without comma":  `{"a":[1 2]}`,
		"unquoted name":       `{a:1}`,
		"open object":         `{"a":1`,
		"open list":           `{"a":[`,
		"open text":           `{"a":"b`,
		"open escape":         `{"a":"\`,
		"duplicate":           `{"a":1,"a":2}`,
		"escaped duplicate":   `{"a":1,"\u0061":2}`,
		"deep duplicate":      `{"x":[{"a":1,"a":2}]}`,
		"duplicate of many":   "{" + strings.Join(many, ",") + `,"nxxx":2}`,
		"too deep":            `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"broken UTF-8":        "{\"a\":\"\xff\"}",
		"broken UTF-8 name":   "{\"\xc3\":1}",
		"lone high surrogate": `{"a":"\ud800"}`,
		"lone low surrogate":  `{"a":"\udc00"}`,
		"broken pair":         `{"a":"\ud800\u0041"}`,
		"signed escape":       `{"a":"\u+041"}`,
		"unknown escape":      `{"a":"\x41"}`,
		"control character":   "{\"a\":\"\n\"}",
		"leading zero":        `{"a":01}`,
		"plus sign":           `{"a":+1}`,
		"bare point":          `{"a":1.}`,
		"bare exponent":       `{"a":1e}`,
		"NaN":                 `{"a":NaN}`,
		"hex":                 `{"a":0x1}`,
		"comment":             `{/*x*/}`,
		"word":                `{"a":truE}`,
	} {
		if object, err := strictjson.Parse(text); err != strictjson.ErrSyntax {
			t.Errorf("%s: got %v, %v", name, object, err)
		}
	}
}

func TestParseReads(t *testing.T) {
	object, err := strictjson.Parse(" {\"a\" : \"x\\u00e9\\ud83d\\ude00\" ,\n\"n\":-1.5e+2,\"l\":[\"p\",\"q\"],\"o\":{\"z\":true},\"nil\":null,\"\\u0062\":\"B\"} ")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := object.String("a"); got != "xé😀" || err != nil {
		t.Errorf("String = %q, %v", got, err)
	}
	if got, _ := object.String("b"); got != "B" {
		t.Errorf("escaped name: %q", got)
	}
	if got, ok, err := object.Number("n", false); got != -150 || !ok || err != nil {
		t.Errorf("Number = %v, %v, %v", got, ok, err)
	}
	if got, err := object.Strings("l"); len(got) != 2 || got[1] != "q" || err != nil {
		t.Errorf("Strings = %v, %v", got, err)
	}
	if inner, err := object.Object("o"); err != nil || inner.Len() != 1 {
		t.Errorf("Object = %v, %v", inner, err)
	}
	if got, err := object.String("nil"); got != "" || err != nil {
		t.Errorf("null = %q, %v", got, err)
	}
}

func TestTypes(t *testing.T) {
	object, err := strictjson.Parse(`{"t":"12","n":5,"l":["a",1],"m":["a",null],"w":"0x1f","s":" 5","e":""}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := object.String("n"); err != strictjson.ErrType {
		t.Errorf("a number as text: %v", err)
	}
	for _, name := range []string{"n", "l", "m"} {
		if _, err := object.Strings(name); err != strictjson.ErrType {
			t.Errorf("Strings(%q): %v", name, err)
		}
	}
	if _, _, err := object.Number("t", false); err != strictjson.ErrType {
		t.Errorf("a text as number: %v", err)
	}
	if got, _, err := object.Number("t", true); got != 12 || err != nil {
		t.Errorf("a numeric text: %v, %v", got, err)
	}
	for _, name := range []string{"w", "s", "e", "l"} {
		if _, _, err := object.Number(name, true); err != strictjson.ErrType {
			t.Errorf("Number(%q): %v", name, err)
		}
	}
	if _, err := object.Object("t"); err != strictjson.ErrType {
		t.Errorf("a text as object: %v", err)
	}
}

func TestFoldsTo(t *testing.T) {
	object, _ := strictjson.Parse(`{"iſs":"x","exp":1}`)
	if !object.FoldsTo("iss") {
		t.Error("a long s is not seen")
	}
	if object.FoldsTo("exp") {
		t.Error("the name itself is taken for another spelling")
	}
}

// FuzzParse compares the scanner with encoding/json: everything it accepts is a valid JSON object.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2.5e-3,{"b":null}],"c":"\u00e9"}`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{"a":"\ud83d\ude00"}`,
		" { \"\" :\t1\r\n, \"\\u0061\\\"\" : [ ] ,\"a,}\":{ } , \"\\\\\":null } "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := strictjson.Parse(string(data))
		if err != nil {
			return
		}
		var reference map[string]json.RawMessage
		if err := json.Unmarshal(data, &reference); err != nil || len(reference) != object.Len() {
			t.Fatalf("accepted %q: %v, %d members for %d", data, err, object.Len(), len(reference))
		}
		for name, value := range object.All() {
			if got, ok := object.Get(name); got != value || ok != (value != "null") || !object.Has(name) || string(reference[name]) != value {
				t.Fatalf("%q: member %q differs", data, name)
			}
		}
	})
}
