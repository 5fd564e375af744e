package provider

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// zitadelConfig is the configuration for a client of zitadel's example. Its issuer ends in a slash, the discovery document is
// behind that one slash.
func zitadelConfig(z *parts.Zitadel, client string) core.Config {
	cfg := core.Config{ClientID: client, DiscoveryURL: z.Issuer + ".well-known/openid-configuration"}
	if client == "web" {
		cfg.ClientSecret = parts.GoSecret
	}
	return cfg
}

// zitadelClient is a journey at zitadel's example with one of its clients.
func zitadelClient(framework, mode, client string, shape parts.Shape) journey {
	issuer := ""
	j := journey{
		part: "zitadel/oidc", version: parts.ZitadelVersion, framework: framework, mode: mode,
		user: "alice", password: "x", subject: "alice", email: "alice@example.test", opaque: !shape.JWT, revocation: mode == brokered || shape.JWT,
		config: func(t *testing.T, publicURL string) core.Config {
			z := parts.NewZitadel(t, publicURL, shape)
			issuer = z.Issuer
			return zitadelConfig(z, client)
		},
		device:     approveAtZitadel,
		deviceFlaw: deviceFlaw{reuse: true, noRefresh: true},
		lacks: []string{
			"refresh after a device flow: the example's store forgets whose refresh token that is (getInfoFromRequest)",
			"a device code that is good once: the example's store never deletes one",
		},
	}
	if mode == passthrough && shape.JWT {
		j.sees = func(t *testing.T, me app.Me) {
			if me.Claims["iss"] != issuer || issuer[len(issuer)-1] != '/' {
				t.Errorf("issuer %q with a slash, the token has %q", issuer, me.Claims["iss"])
			}
		}
	}
	return j
}

func approveAtZitadel(t *testing.T, _ *app.Agent, start core.DeviceStart) {
	t.Helper()
	answerZitadel(t, start, "allowed")
}

// answerZitadel does what the example's pages for devices do with a script and a password in clear text, which an agent
// without scripts cannot.
func answerZitadel(t *testing.T, start core.DeviceStart, action string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	login := url.Values{"user_code": {start.UserCode}, "username": {"alice"}, "password": {"x"}}
	response, err := browser.PostForm(start.VerificationURI+"/login", login)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response, err = browser.Get(start.VerificationURI + "/confirm?action=" + action); err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/device/confirm" {
		t.Fatalf("the example sends the browser to %s: %s", response.Request.URL, response.Status)
	}
}

func TestZitadel(t *testing.T) {
	for name, j := range map[string]journey{
		"gin, broker, opaque":                  zitadelClient("gin", brokered, "web", parts.Shape{}),
		"echo, broker, public":                 zitadelClient("echo", brokered, "cli", parts.Shape{}),
		"fiber, broker, JWT, ES256":            zitadelClient("fiber", brokered, "web", parts.Shape{JWT: true, Algorithm: "ES256"}),
		"chi, passthrough, JWT":                zitadelClient("chi", passthrough, "web", parts.Shape{JWT: true}),
		"gin, passthrough, public, JWT, EdDSA": zitadelClient("gin", passthrough, "cli", parts.Shape{JWT: true, Algorithm: "EdDSA"}),
		"echo, passthrough, opaque":            zitadelClient("echo", passthrough, "web", parts.Shape{}),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
}
