package session

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
)

// A record comes back as it was written, and claims that a token of it contains are written once.
func TestRecordText(t *testing.T) {
	token := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AAAA"
	}
	id, access, older := `{"sub":"s","name":"<&> \u00e9","b" : 1}`, `{"sub":"s","scope":"a"}`, `{"sub":"s","scope":"older"}`
	for name, c := range map[string]struct {
		record  record
		without []string // claims that are only in a token
		with    []string
	}{
		"nothing": {record: record{}},
		"all": {record: record{
			Refresh: "a\"\\\u2028\n", IDToken: token(id), Issuer: "https://i", Subject: "s é", Scope: "a b", Access: token(access),
			AccessEnds: 1 << 40, Heard: 7, Begun: 1 << 41,
			Sources: sources{ID: &document{Claims: []byte(id), At: 1}, Access: &document{Claims: []byte(access), At: 2}, UserInfo: &document{Claims: []byte(older), At: 3}},
		}, without: []string{`"name"`, `"scope":"a"`}, with: []string{"older"}},
		"opaque tokens": {record: record{IDToken: "x", Access: "a.b.c.d", Sources: sources{Access: &document{Claims: []byte(access), At: 2}}}, with: []string{`"scope":"a"`}},
		"claims of an older token": {
			record: record{Access: token(access), Sources: sources{Access: &document{Claims: []byte(older), At: 2}}}, with: []string{"older"},
		},
		"a token whose claims do not count": {record: record{IDToken: token(id), Access: token(access)}},
		"no token":                          {record: record{Sources: sources{ID: &document{Claims: []byte(older), At: 2}}}, with: []string{"older"}},
	} {
		text, err := c.record.text()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := readRecord(text)
		if err != nil || !reflect.DeepEqual(*got, c.record) {
			t.Errorf("%s: %v, got %+v for %+v", name, err, got, c.record)
		}
		for _, part := range c.without {
			if strings.Contains(string(text), part) {
				t.Errorf("%s: %s is written twice: %s", name, part, text)
			}
		}
		for _, part := range c.with {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s: %s is lost: %s", name, part, text)
			}
		}
	}
}

// A text of another form is refused.
func TestRecordRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{"iss":1}`, `{"heard":"1"}`, `{"sources":[]}`, `{"sources":{"id":1}}`, `{"sources":{"id":{"at":"x"}}}`, `{"iss":"a","iss":"b"}`,
	} {
		if r, err := readRecord([]byte(text)); err == nil {
			t.Errorf("%s: got %+v", text, r)
		}
	}
}
