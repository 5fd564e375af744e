package wycheproof_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// file has the members that all files have in common.
type file struct {
	NumberOfTests int     `json:"numberOfTests"`
	TestGroups    []group `json:"testGroups"`
}

type group struct {
	Comment   string          `json:"comment"`
	Public    json.RawMessage `json:"public"`  // a JWK or a JWK set
	Private   json.RawMessage `json:"private"` // the same with the private halves, or a symmetric key
	PublicJWK json.RawMessage `json:"publicKeyJwk"`
	KeyJWK    json.RawMessage `json:"keyJwk"` // its name in the RSA files
	Tests     []vector        `json:"tests"`

	// In the files about signatures.
	SHA        string `json:"sha"`
	MaskSHA    string `json:"mgfSha"`
	SaltLength int    `json:"sLen"`
	PublicDER  string `json:"publicKeyDer"`
	PublicASN  string `json:"publicKeyAsn"`
}

type vector struct {
	ID      int             `json:"tcId"`
	Comment string          `json:"comment"`
	JWS     token           `json:"jws"`
	JWE     token           `json:"jwe"`
	Public  json.RawMessage `json:"public"` // in the key agreement files
	Result  string          `json:"result"`

	// In hexadecimal, in the files about signatures.
	Message   string `json:"msg"`
	Signature string `json:"sig"`
}

// token is a compact token, or a token in JSON form, unchanged.
type token string

func (t *token) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		*t = token(text)
		return nil
	}
	return json.Unmarshal(text, (*string)(t))
}

func load(t *testing.T, name string) file {
	t.Helper()
	text, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	tests := 0
	for _, g := range f.TestGroups {
		tests += len(g.Tests)
	}
	if tests == 0 || tests != f.NumberOfTests {
		t.Fatalf("%s has %d vectors and says %d", name, tests, f.NumberOfTests)
	}
	return f
}

// document returns the keys of a group as a provider publishes them. If a file has no public form (symmetric keys, sets), it
// uses the private one.
func (g group) document(t *testing.T) []byte {
	t.Helper()
	key := g.Public
	if key == nil {
		key = g.Private
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(key, &set); err != nil {
		t.Fatal(err)
	}
	if set.Keys != nil {
		return key
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, key)
}
