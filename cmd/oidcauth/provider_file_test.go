package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "provider.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The file of the README starts a provider with these users and clients, and with no others; flags override it.
func TestFile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```json\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("the README has no JSON file")
	}
	env := provides(t, "-file", written(t, text), "-public-url", "http://127.0.0.1:9999").env(t)
	if env["CLIENT_ID"] != "shop" || env["CLIENT_SECRET"] != "not-a-real-secret" || env["PUBLIC_URL"] != "http://127.0.0.1:9999" {
		t.Fatalf("%v", env)
	}
	base := strings.TrimSuffix(env["DISCOVERY_URL"], "/.well-known/openid-configuration")
	b := newBrowser(t)
	ask := func(client string) page {
		return b.open(base + "/authorize?" + url.Values{
			"client_id": {client}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "scope": {"openid orders:read"},
		}.Encode())
	}
	if got := ask("app"); got.status != 400 {
		t.Errorf("the built-in client: %d\n%s", got.status, got.text)
	}
	login := ask("shop")
	if !strings.Contains(login.text, `type="password"`) || !strings.Contains(login.text, "Continue as erin") || strings.Contains(login.text, "alice") {
		t.Errorf("%d\n%s", login.status, login.text)
	}
	consent := b.press(login, url.Values{"user": {"dora"}, "password": {"a horse"}})
	if !strings.Contains(consent.text, "Allow") {
		t.Errorf("%d\n%s", consent.status, consent.text)
	}
}

// A file with a mistake is refused with a line that names it.
func TestFileIsReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		`{"user": []}`:                        `unknown field "user"`,
		`{"users": [{"nam": "x"}]}`:           `unknown field "nam"`,
		`{"clients": [{"id": 7}]}`:            "id",
		`{"token_ttl": "soon"}`:               "soon",
		`{"token_ttl": 5}`:                    "token_ttl",
		`{} {}`:                               "something follows",
		`{`:                                   "EOF",
		`[]`:                                  "array",
		`{"clients": [{"secret": "x"}]}`:      "a client has no id",
		`{"users": [{"password": "x"}]}`:      "a user has no name",
		`{"address": "192.0.2.1:8081"}`:       "not loopback",
		`{}` + strings.Repeat(" ", maxFile+1): "KiB",
	} {
		result := runs(t, nil, "", "provider", "-file", written(t, text))
		if result.code != exitUsage || !strings.Contains(result.err, want) || strings.Count(result.err, "\n") != 1 || result.out != "" {
			t.Errorf("%.40s: %+v", text, result)
		}
	}
}
