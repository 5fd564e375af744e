package main

import (
	"strings"
	"testing"
)

// Whoever writes something wrong gets one line that says what, and the status 2; whoever asks gets the usage text.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
		err  string // "": nothing
	}{
		{nil, 2, "", "oidcauth helps"},
		{[]string{"help"}, 0, "oidcauth doctor", ""},
		{[]string{"--help"}, 0, "oidcauth doctor", ""},
		{[]string{"docter"}, 2, "", `no command "docter"`},
		{[]string{"provider", "-h"}, 0, "-consent", ""},
		{[]string{"doctor", "-h"}, 0, "DISCOVERY_URL, CLIENT_ID", ""},
		{[]string{"token", "--help"}, 0, "standard input", ""},
		{[]string{"provider", "-nothing"}, 2, "", "-nothing"},
		{[]string{"doctor", "x"}, 2, "", `unexpected argument "x"`},
		{[]string{"doctor", "-timeout", "x"}, 2, "", "timeout"},
		{[]string{"doctor", "-trusted-issuer", "https://peer.example.org"}, 2, "", "-broker"},
		{[]string{"doctor", "-signing-algorithm", "ES256"}, 2, "", "-broker"},
		{[]string{"doctor", "-prefix", "api", "-discovery-url", "http://127.0.0.1:1/.well-known/openid-configuration", "-client-id", "app"}, 2, "", "-prefix"},
		{[]string{"token", "-json=x"}, 2, "", "json"},
		{[]string{"provider", "-addr", "0.0.0.0:8081"}, 2, "", "0.0.0.0 is not loopback"},
		{[]string{"provider", "-addr", "example.org:8081"}, 2, "", "example.org is not loopback"},
		{[]string{"provider", "-addr", ":8081"}, 2, "", "not loopback"},
		{[]string{"provider", "-addr", "127.0.0.1"}, 2, "", "missing port"},
		{[]string{"provider", "-addr", "127.0.0.1:99999"}, 2, "", "not a port"},
		{[]string{"provider", "-user", ":x"}, 2, "", "a user has no name"},
		{[]string{"provider", "-client", ":x"}, 2, "", "a client has no id"},
		{[]string{"provider", "-token-ttl", "-1m"}, 2, "", "above 0"},
		{[]string{"provider", "-lines", "fish"}, 2, "", "sh, powershell or env"},
		{[]string{"provider", "-file", "/nowhere.json"}, 2, "", "nowhere.json"},
	} {
		got := runs(t, nil, "", c.args...)
		oneLine := len(c.args) == 0 || strings.Count(got.err, "\n") == 1
		if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.err, c.err) || (got.err == "") != (c.err == "") || c.code == 2 && (!oneLine || got.out != "") {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
}
