package conformance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwa" //nolint:depguard // a library to compare with
	"github.com/lestrrat-go/jwx/v2/jws" //nolint:depguard // the same
)

// opinion is the result of a library for a token; the zero value means that the library refused it.
type opinion struct {
	accepted bool
	payload  []byte         // as signed; nil if the library does not return it
	claims   map[string]any // nil if the library does not parse them
}

func ours(t *testing.T, raw string, key jose.Key) opinion {
	t.Helper()
	token, err := jose.Parse(raw)
	if err != nil {
		return opinion{}
	}
	claims, err := token.Verify(key)
	if err != nil {
		return opinion{}
	}
	read := map[string]any{}
	for name, text := range claims.All() {
		value, err := numbers([]byte(text))
		if err != nil {
			t.Fatalf("%q: the claim %q is %q, which encoding/json cannot read: %v", raw, name, text, err)
		}
		read[name] = value
	}
	return opinion{true, []byte(claims.Text()), read}
}

// lestrrat verifies with jwx, which parses no claims at this level.
func lestrrat(raw string, key jose.Key) opinion {
	payload, err := jws.Verify([]byte(raw), jws.WithKey(jwa.SignatureAlgorithm(key.Alg), key.Public))
	return opinion{accepted: err == nil, payload: payload}
}

// golang verifies with golang-jwt and its strict options, without validating claims, like package jose.
func golang(raw string, key jose.Key) opinion {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{key.Alg}), jwt.WithStrictDecoding(), jwt.WithJSONNumber(), jwt.WithoutClaimsValidation())
	token, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return key.Public, nil })
	if err != nil || !token.Valid {
		return opinion{}
	}
	claims, ok := token.Claims.(jwt.MapClaims)
	return opinion{accepted: ok, claims: claims}
}

// numbers decodes JSON without losing digits of numbers.
func numbers(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err == nil {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// compare fails the test if this library accepts a token that another one refuses or reads differently, or refuses one that another
// accepts without naming a rule. It returns the verdict of this library and the broken rules.
func compare(t *testing.T, raw string, key jose.Key) (accepted bool, rules []string) {
	t.Helper()
	mine, rules := ours(t, raw, key), broken(raw, key)
	if mine.accepted && len(rules) > 0 {
		t.Errorf("accepted against our rules %q: %q", rules, raw)
	}
	for name, other := range map[string]opinion{"jwx": lestrrat(raw, key), "golang-jwt": golang(raw, key)} {
		switch {
		case mine.accepted && !other.accepted && exempt(raw, name) == "":
			t.Errorf("%s refuses what we accept: %q", name, raw)
		case !mine.accepted && other.accepted && len(rules) == 0:
			t.Errorf("%s accepts what we refuse, for no rule that has a name: %q", name, raw)
		case !mine.accepted || !other.accepted:
		case other.payload != nil && !bytes.Equal(mine.payload, other.payload):
			t.Errorf("%s reads another payload than ours: %q, %q", name, other.payload, mine.payload)
		case other.claims != nil && !reflect.DeepEqual(mine.claims, other.claims):
			t.Errorf("%s reads other claims than ours: %v, %v", name, other.claims, mine.claims)
		}
	}
	return mine.accepted, rules
}
