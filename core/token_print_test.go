package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// printed returns what every verb and both handlers of slog make of each of values.
func printed(values ...any) map[string]string {
	texts := make(map[string]string)
	for i, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%T"} {
			texts[fmt.Sprintf("value %d with %s", i, verb)] = fmt.Sprintf(verb, value)
		}
		texts[fmt.Sprintf("value %d with Sprint", i)] = fmt.Sprint(value)
		var text, object bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("x", "value", value, slog.Group("g", "value", value))
		slog.New(slog.NewJSONHandler(&object, nil)).Info("x", "value", value, slog.Group("g", "value", value))
		texts[fmt.Sprintf("value %d in a text log", i)] = text.String()
		texts[fmt.Sprintf("value %d in a JSON log", i)] = object.String()
	}
	return texts
}

// wantHidden fails for each text that holds one of secrets, in clear or in hexadecimal digits.
func wantHidden(t *testing.T, texts map[string]string, secrets ...string) {
	t.Helper()
	for name, text := range texts {
		for _, secret := range secrets {
			for _, form := range []string{secret, fmt.Sprintf("%x", secret)} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					t.Errorf("%s shows %s: %s", name, secret, text)
				}
			}
		}
	}
}

// No verb and no handler of slog prints a token; the answer's body has it.
func TestTokenIsHidden(t *testing.T) {
	token := core.Token{AccessToken: "ACCESS-TOKEN", RefreshToken: "REFRESH-TOKEN"}
	nested := struct {
		Token   core.Token
		Pointer *core.Token
	}{token, &token}
	texts := printed(token, &token, []core.Token{token}, map[string]core.Token{"x": token}, nested)
	for name, text := range texts {
		if strings.Contains(name, "JSON") && !strings.HasPrefix(name, "value 0") && !strings.HasPrefix(name, "value 1") {
			delete(texts, name) // json.Marshal of what holds a Token, as documented
			continue
		}
		if !strings.Contains(name, "%T") && !strings.Contains(text, "Token(hidden)") {
			t.Errorf("%s: %s", name, text)
		}
	}
	wantHidden(t, texts, "ACCESS-TOKEN", "REFRESH-TOKEN")
	body, err := json.Marshal(token)
	if want := `{"access_token":"ACCESS-TOKEN","token_type":"","expires":0,"expires_in":0,"refresh_token":"REFRESH-TOKEN","refresh_expires":0,"scope":""}`; err != nil || string(body) != want {
		t.Errorf("the body: %s, %v", body, err)
	}
	if text := printed((*core.Token)(nil)); !strings.Contains(text["value 0 with %v"], "nil") {
		t.Errorf("a nil token: %v", text)
	}
}
