package strictjson_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Names and values are found wherever white space, escapes and characters of the syntax stand.
func TestMembers(t *testing.T) {
	const text = " {\r\n\"\" :\t1 , \"a\\\"\":\"}\", \"\\u0062,:\" : [ ] ,\"c\":{\"\":\",\"} ,\"d\\\\\":null\t, \"ab\":\"\\\\\",\"a\":-1e2 } \n"
	want := [][2]string{{"", "1"}, {"a\"", `"}"`}, {"b,:", "[ ]"}, {"c", `{"":","}`}, {`d\`, "null"}, {"ab", `"\\"`}, {"a", "-1e2"}}
	object, err := strictjson.Parse(text)
	if err != nil || object.Len() != len(want) || object.Text() != text {
		t.Fatalf("%d members of %q, %v", object.Len(), object.Text(), err)
	}
	i := 0
	for name, value := range object.All() {
		if name != want[i][0] || value != want[i][1] {
			t.Errorf("member %d: %q, %q", i, name, value)
		}
		if got, ok := object.Get(name); got != value || ok != (value != "null") || !object.Has(name) {
			t.Errorf("Get(%q) = %q, %v", name, got, ok)
		}
		i++
	}
	for _, name := range []string{"b", `\u0062,:`, "a,", " ", "d", `d\\`, "e"} {
		if value, ok := object.Get(name); ok || object.Has(name) {
			t.Errorf("Get(%q) = %q", name, value)
		}
	}
	for range object.All() {
		break
	}
	for _, none := range []strictjson.Object{{}, strictjson.Empty} {
		if none.Exists() != (none.Text() == "{}") || none.Len() != 0 || none.Has("a") || none.FoldsTo("a") {
			t.Errorf("%q: %v", none.Text(), none)
		}
	}
}
