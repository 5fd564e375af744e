package seal_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
)

var (
	secret = bytes.Repeat([]byte("a"), seal.MinSecret)
	other  = bytes.Repeat([]byte("b"), seal.MinSecret)
)

func sealer(t testing.TB, purpose string, secrets ...[]byte) *seal.Sealer {
	t.Helper()
	s, err := seal.New(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenReturnsPlaintext(t *testing.T) {
	s := sealer(t, "state", secret)
	for _, plain := range []string{"", "x", strings.Repeat("long", 5000), "\x00\xff|"} {
		sealed := s.Seal([]byte(plain), "context")
		if strings.ContainsAny(sealed, "|+/=. \n") || len(plain) > 3 && strings.Contains(sealed, plain) {
			t.Errorf("%.40q shows or has a character that is none of base64url", sealed)
		}
		got, err := s.Open(sealed, "context")
		if err != nil || string(got) != plain {
			t.Errorf("got %.40q, %v", got, err)
		}
		if sealed == s.Seal([]byte(plain), "context") {
			t.Error("the same text is sealed the same way twice")
		}
	}
}

// Bytes and text are two forms of the same value.
func TestSealBytes(t *testing.T) {
	s := sealer(t, "state", secret)
	sealed := s.SealBytes([]byte("hello"), "context")
	if want := 1 + 4 + 24 + 5 + 16; len(sealed) != want {
		t.Errorf("%d bytes, not %d", len(sealed), want)
	}
	if plain, err := s.OpenBytes(sealed, "context"); err != nil || string(plain) != "hello" {
		t.Errorf("got %q, %v", plain, err)
	}
	if plain, err := s.Open(base64.RawURLEncoding.EncodeToString(sealed), "context"); err != nil || string(plain) != "hello" {
		t.Errorf("as text: got %q, %v", plain, err)
	}
	for i := range sealed {
		for name, changed := range map[string][]byte{"cut": sealed[:i], "changed": bytes.Clone(sealed)} {
			if changed = changed[:len(changed):len(changed)]; name == "changed" {
				changed[i] ^= 1
			}
			if plain, err := s.OpenBytes(changed, "context"); err != seal.ErrOpen || plain != nil {
				t.Errorf("%s at %d: got %q, %v", name, i, plain, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	s := sealer(t, "state", secret)
	sealed := s.Seal([]byte("hello, world"), "context")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		with            *seal.Sealer
		sealed, context string
	}{
		"another context":                        {s, sealed, "Context"},
		"no context":                             {s, sealed, ""},
		"another purpose":                        {sealer(t, "device", secret), sealed, "context"},
		"another secret":                         {sealer(t, "state", other), sealed, "context"},
		"nothing":                                {s, "", "context"},
		"no base64url":                           {s, "!" + sealed, "context"},
		"padding":                                {s, sealed + "=", "context"},
		"a line break":                           {s, sealed[:20] + "\n" + sealed[20:], "context"},
		"a return":                               {s, sealed + "\r", "context"},
		"cut short":                              {s, sealed[:len(sealed)-4], "context"},
		"the overhead only":                      {s, base64.RawURLEncoding.EncodeToString(raw[:29]), "context"},
		"less than that":                         {s, base64.RawURLEncoding.EncodeToString(raw[:28]), "context"},
		"something behind":                       {s, base64.RawURLEncoding.EncodeToString(append(raw[:len(raw):len(raw)], 0)), "context"},
		"purpose, context moved over the border": {sealer(t, "stat", secret), sealed, "e\x00context"},
	} {
		if plain, err := c.with.Open(c.sealed, c.context); err != seal.ErrOpen || plain != nil {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
	for i := range raw { // every byte counts: version, name of the secret, nonce, text, tag
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if plain, err := s.Open(base64.RawURLEncoding.EncodeToString(changed), "context"); err != seal.ErrOpen || plain != nil {
			t.Errorf("byte %d changed: got %q, %v", i, plain, err)
		}
	}
}

func TestOneEncoding(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	s := sealer(t, "state", secret)
	sealed := s.Seal([]byte("ab"), "") // 47 bytes: the last character has spare bits
	last := strings.IndexByte(alphabet, sealed[len(sealed)-1])
	if len(sealed)%4 == 0 {
		t.Fatal("no spare bits")
	}
	if _, err := s.Open(sealed[:len(sealed)-1]+alphabet[last|1:last|1+1], ""); err != seal.ErrOpen {
		t.Errorf("stray bits: %v", err)
	}
}

// The first secret seals, all open; a removed one no longer opens.
func TestRotationOfSecrets(t *testing.T) {
	old, both, renewed := sealer(t, "state", secret), sealer(t, "state", other, secret), sealer(t, "state", other)
	before, after := old.Seal([]byte("x"), ""), both.Seal([]byte("x"), "")
	for name, c := range map[string]struct {
		with   *seal.Sealer
		sealed string
		opens  bool
	}{
		"old value, both":     {both, before, true},
		"new value, both":     {both, after, true},
		"new value, new":      {renewed, after, true},
		"new value, old":      {old, after, false},
		"old value, new":      {renewed, before, false},
		"old value, same set": {sealer(t, "state", secret, other), before, true},
	} {
		if _, err := c.with.Open(c.sealed, ""); (err == nil) != c.opens {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, secrets := range map[string][][]byte{
		"none":          nil,
		"empty":         {{}},
		"a byte short":  {secret[:seal.MinSecret-1]},
		"one too short": {secret, []byte("hunter2-hunter2")},
	} {
		_, err := seal.New("state", secrets...)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen: only sealed values open.
func FuzzOpen(f *testing.F) {
	s := sealer(f, "state", secret)
	f.Add(s.Seal([]byte("hello"), "c"), "c")
	f.Add(s.Seal([]byte("hello"), "d"), "c")
	f.Add("", "")
	f.Add("AQ", "c")
	f.Add(strings.Repeat("A", 100), "c")
	f.Fuzz(func(t *testing.T, sealed, context string) {
		plain, err := s.Open(sealed, context)
		if err != nil && (err != seal.ErrOpen || plain != nil) {
			t.Fatalf("got %q, %v", plain, err)
		}
		if err == nil && string(plain) != "hello" {
			t.Fatalf("%q opens as %q", sealed, plain)
		}
		again, err := s.Open(s.Seal([]byte(sealed), context), context)
		if err != nil || string(again) != sealed {
			t.Fatalf("%q does not come back: %q, %v", sealed, again, err)
		}
	})
}
