package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// A token with a known header is read as one with a header that is not known.
func TestKnownHeaders(t *testing.T) {
	headers, signer := jose.NewHeaders(), signers()["EdDSA"]
	sign := func(header map[string]any) string {
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text) + ".eyJpc3MiOiJpIn0.c2ln"
	}
	var known []string
	for i := range 1000 { // more than are kept
		header := map[string]any{"alg": "EdDSA", "kid": fmt.Sprint("k", i), "typ": "JWT", "jwk": strings.Repeat("x", i%50)}
		if i%3 == 0 {
			delete(header, "kid")
		}
		raw := sign(header)
		first, err := headers.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		headers.Add(&first)
		known = append(known, raw)
	}
	for _, raw := range known {
		got, errGot := headers.Parse(raw)
		want, errWant := jose.Parse(raw)
		if errGot != nil || errWant != nil || got.Header != want.Header || got.Raw() != want.Raw() {
			t.Fatalf("%s: %+v, %v and %+v, %v", raw, got.Header, errGot, want.Header, errWant)
		}
		for _, bad := range []string{"=" + raw, raw + "=", strings.Replace(raw, ".", "=.", 1), strings.Replace(raw, ".", "..", 1), raw[1:], "\n" + raw} {
			if _, err := headers.Parse(bad); err != jose.ErrMalformed {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	raw, err := signer.SignBytes("JWT", []byte(`{"iss":"i"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, parse := range []func(string) (jose.Token, error){headers.Parse, headers.Parse, headers.Parse} {
		token, err := parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Verify(signer.Public()); err != nil {
			t.Fatal(err)
		}
		headers.Add(&token)
	}
	if once, again := testing.AllocsPerRun(100, func() { _, _ = jose.Parse(raw) }), testing.AllocsPerRun(100, func() { _, _ = headers.Parse(raw) }); again > once {
		t.Errorf("%v allocations, %v without knowing it", again, once)
	}
}
