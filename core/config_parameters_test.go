package core_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// New names the field and the parameter that it refuses.
func TestConfigParameters(t *testing.T) {
	const own = "remove it, because this library sets that parameter"
	for name, c := range map[string]struct {
		always url.Values
		allow  []string
		says   string // "": New accepts it
	}{
		"Google":      {url.Values{"access_type": {"offline"}, "prompt": {"consent"}, "hd": {"example.org"}}, nil, ""},
		"two values":  {url.Values{"resource": {"https://a.example", "https://b.example"}}, nil, ""},
		"two prompts": {url.Values{"prompt": {"login consent"}}, nil, ""},
		"allowed":     {nil, []string{"login_hint", "ui_locales", "acr_values", "max_age", "domain_hint", "claims", "kc_idp_hint"}, ""},
		"the longest": {url.Values{"a": {strings.Repeat("b", 2046)}}, nil, ""},

		"too long":           {url.Values{"a": {strings.Repeat("b", 2047)}}, nil, "core: Config.AuthParams: 2049 bytes, encoded: write at most 2048"},
		"no value":           {url.Values{"hd": {}}, nil, "core: Config.AuthParams: hd: write a value, or remove it"},
		"an empty value":     {url.Values{"hd": {"a", ""}}, nil, "core: Config.AuthParams: hd: write a value, or remove it"},
		"a line break":       {url.Values{"hd": {"a\nb"}}, nil, "core: Config.AuthParams: hd: remove the control characters from its value"},
		"no name":            {url.Values{"": {"a"}}, nil, `core: Config.AuthParams: "": write the name of a parameter`},
		"a name with spaces": {url.Values{"h d": {"a"}}, nil, `core: Config.AuthParams: "h d": write the name of a parameter`},
		"prompt none":        {url.Values{"prompt": {"none"}}, nil, "core: Config.AuthParams: prompt: write one value of"},
		"prompt none login":  {url.Values{"prompt": {"none login"}}, nil, "core: Config.AuthParams: prompt: write one value of"},
		"another prompt":     {url.Values{"prompt": {"create"}}, nil, "core: Config.AuthParams: prompt: write one value of"},
		"prompt twice":       {url.Values{"prompt": {"login", "consent"}}, nil, "core: Config.AuthParams: prompt: write one value of"},
		"allow nothing":      {nil, []string{""}, `core: Config.AllowAuthParams: entry 0, "": write the name of a parameter`},
		"allow a list":       {nil, []string{"login_hint ui_locales"}, `core: Config.AllowAuthParams: entry 0, "login_hint ui_locales": write the name of a parameter`},
		"allow prompt":       {nil, []string{"prompt"}, "core: Config.AllowAuthParams: entry 0, prompt: remove it, because the login route has a rule of its own"},
		"allow return_to":    {nil, []string{"return_to"}, "core: Config.AllowAuthParams: entry 0, return_to: remove it, because the login route has a rule of its own"},
		"allow too many":     {nil, strings.Split(strings.Repeat("a ", 64)+"a", " "), "core: Config.AllowAuthParams: 65 entries: write at most 64"},
	} {
		got := newWith(t, c.always, c.allow)
		if c.says == "" && got != nil || c.says != "" && (got == nil || !strings.Contains(got.Error(), c.says)) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{
		"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "request", "request_uri",
		"client_secret", "client_assertion", "client_assertion_type",
	} {
		got := fmt.Sprint(newWith(t, url.Values{name: {"a"}}, []string{"login_hint", name}))
		if !strings.Contains(got, "core: Config.AuthParams: "+name+": "+own) || !strings.Contains(got, "core: Config.AllowAuthParams: entry 1, "+name+": "+own) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func newWith(t *testing.T, always url.Values, allow []string) error {
	t.Helper()
	config := newIDP(t).config()
	config.AuthParams, config.AllowAuthParams = always, allow
	auth, err := core.New(config)
	if err == nil {
		_ = auth.Close()
	}
	return err
}

// A printed Config has the names of AuthParams, and not the values.
func TestPrintedParameters(t *testing.T) {
	got := fmt.Sprint(core.Config{AuthParams: url.Values{"login_hint": {"alice@example.org"}, "hd": {"x"}}, AllowAuthParams: []string{"ui_locales"}})
	if strings.Contains(got, "alice") || !strings.Contains(got, "login_hint") || !strings.Contains(got, "ui_locales") {
		t.Error(got)
	}
}
