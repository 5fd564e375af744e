package core_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// PublicURL is compared with the routes as they are mounted.
func TestDoctorComparesAddresses(t *testing.T) {
	const missing, registered = `PublicURL: "https://app.example.org",`, "post-logout redirect URI"
	for name, c := range map[string]struct {
		unmounted bool
		mistake
	}{
		"missing":             {false, mistake{config: func(c *core.Config) { c.PublicURL = "" }, check: "PublicURL", level: core.FindingWrong, text: "answers 500", line: missing}},
		"missing, no routes":  {true, mistake{config: func(c *core.Config) { c.PublicURL = "" }, check: "PublicURL", level: core.FindingNote, text: "command-line tools", line: missing}},
		"missing, no logins":  {false, mistake{config: func(c *core.Config) { c.PublicURL = "" }, mount: core.Paths{Callback: core.Off}, check: "PublicURL", level: core.FindingNote, text: "command-line tools", line: missing}},
		"no routes":           {true, mistake{config: onPublic, check: "routes", level: core.FindingNote, text: "default paths", line: "routes, err := auth.Routes(core.Paths{})"}},
		"without the prefix":  {false, mistake{config: onPublic, mount: core.Paths{Prefix: "/api"}, check: "PublicURL", level: core.FindingWrong, text: "under /api", line: `PublicURL: "https://app.example.org/api",`}},
		"with the prefix":     {false, mistake{config: func(c *core.Config) { c.PublicURL = "https://app.example.org/api" }, mount: core.Paths{Prefix: "/api"}, check: "PublicURL", level: core.FindingOK, text: "begin with"}},
		"loopback":            {false, mistake{check: "PublicURL", level: core.FindingNote, text: "on loopback", line: missing}},
		"own path":            {false, mistake{config: onPublic, mount: core.Paths{Callback: "/back"}, check: "redirect URI", level: core.FindingWrong, text: "register", line: "https://app.example.org/back"}},
		"logout of sessions":  {false, mistake{config: withSessions(onPublic), check: registered, level: core.FindingNote, text: "after a logout", line: "https://app.example.org/auth/v2/logout"}},
		"logout of a client":  {false, mistake{config: func(c *core.Config) { c.PostLogoutURIs = []string{"https://spa.example.org/"} }, check: registered, level: core.FindingNote, text: "PostLogoutURIs", line: "https://spa.example.org/"}},
		"back-channel logout": {false, mistake{config: withSessions(onPublic), check: "back-channel logout", level: core.FindingNote, text: "Register", line: "https://app.example.org/auth/v2/backchannel-logout"}},
	} {
		idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
		config := idp.Config()
		if c.config != nil {
			c.config(&config)
		}
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = auth.Close() })
		if !c.unmounted {
			if _, err := auth.Routes(c.mount); err != nil {
				t.Fatal(err)
			}
		}
		if list := auth.Doctor(t.Context()); !c.has(list) {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}

// Routes that are switched off, and tables that New refuses, are not registered.
func TestDoctorLeavesOutWhatIsOff(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	config := idp.Config()
	withSessions(onPublic)(&config)
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	if _, err := auth.Routes(core.Paths{Callback: "no path"}); err == nil {
		t.Fatal("an invalid path is mounted")
	}
	if _, err := auth.Routes(core.Paths{Logout: core.Off, BackChannelLogout: core.Off, Callback: core.Off}); err != nil {
		t.Fatal(err)
	}
	list := auth.Doctor(t.Context())
	for _, check := range []string{"post-logout redirect URI", "back-channel logout", "redirect URI"} {
		if got := found(list, check, ""); len(got) > 0 {
			t.Errorf("got %+v", got)
		}
	}
}
