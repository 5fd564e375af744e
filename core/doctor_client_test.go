package core_test

import (
	"crypto"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const publicCallback = "https://app.example.org/auth/v2/callback"

// onPublic gives a service an address that must be registered at the provider.
func onPublic(c *core.Config) { c.PublicURL = "https://app.example.org" }

// register registers the callback of onPublic.
func register(idp *oidctest.Provider) {
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{publicCallback}})
}

// Mistakes in the registration of the client are found.
func TestDoctorTriesTheClient(t *testing.T) {
	const secretLine = `ClientSecret: os.Getenv("CLIENT_SECRET"),`
	refuse := func(status int, code string) func(*oidctest.Provider) {
		return func(idp *oidctest.Provider) { idp.Fault(oidctest.Token, oidctest.ErrorCode(status, code)) }
	}
	for name, c := range map[string]struct {
		spoil func(*oidctest.Provider)
		mistake
	}{
		"good":                    {nil, mistake{check: "client", level: core.FindingOK, text: "accepts ClientID and ClientSecret"}},
		"wrong secret":            {nil, mistake{config: func(c *core.Config) { c.ClientSecret = "another one" }, check: "client", level: core.FindingWrong, text: "does not accept ClientID and ClientSecret", line: secretLine}},
		"wrong client":            {nil, mistake{config: func(c *core.Config) { c.ClientID = "nobody" }, check: "client", level: core.FindingWrong, text: "copy both again", line: secretLine}},
		"no secret":               {nil, mistake{config: func(c *core.Config) { c.ClientSecret = "" }, check: "client", level: core.FindingWrong, text: "without a secret", line: secretLine}},
		"public":                  {nil, mistake{config: func(c *core.Config) { c.ClientID, c.ClientSecret = oidctest.PublicClient, "" }, check: "client", level: core.FindingOK, text: "accepts"}},
		"no code flow":            {refuse(400, "unauthorized_client"), mistake{check: "client", level: core.FindingWrong, text: "(unauthorized_client)"}},
		"another grant":           {refuse(400, "unsupported_grant_type"), mistake{check: "client", level: core.FindingWrong, text: "(unsupported_grant_type)"}},
		"a code of its own":       {refuse(400, "wrong_phase_of_the_moon"), mistake{check: "client", level: core.FindingNote, text: "does not show"}},
		"the code comes first":    {refuse(400, "invalid_grant"), mistake{check: "client", level: core.FindingNote, text: "does not show"}},
		"redirect registered":     {register, mistake{config: onPublic, check: "redirect URI", level: core.FindingOK, text: publicCallback + " is registered"}},
		"redirect not registered": {nil, mistake{config: onPublic, check: "redirect URI", level: core.FindingWrong, text: "register this redirect URI for the client app", line: publicCallback}},
		"one of two": {register, mistake{
			config: func(c *core.Config) {
				onPublic(c)
				c.RedirectURIs = []string{"https://spa.example.org/back", core.Loopback}
			},
			check: "redirect URI", level: core.FindingWrong, text: "register", line: "https://spa.example.org/back",
		}},
		"only loopback":          {nil, mistake{config: func(c *core.Config) { c.RedirectURIs = []string{core.Loopback} }, check: "redirect URI", level: core.FindingOK, text: flowOwnCallback + " is registered"}},
		"authorization is down":  {func(idp *oidctest.Provider) { idp.Fault(oidctest.Authorization, oidctest.Refused()) }, mistake{check: "redirect URI", level: core.FindingNote, text: "could not ask", line: flowOwnCallback}},
		"authorization is vague": {func(idp *oidctest.Provider) { idp.Fault(oidctest.Authorization, oidctest.HTML(200)) }, mistake{check: "redirect URI", level: core.FindingNote, text: "does not show", line: flowOwnCallback}},
		"authorization refuses robots": {
			func(idp *oidctest.Provider) { idp.Fault(oidctest.Authorization, oidctest.HTML(403)) },
			mistake{check: "redirect URI", level: core.FindingNote, text: "does not show", line: flowOwnCallback},
		},
		"an error of another kind": {
			func(idp *oidctest.Provider) {
				idp.Fault(oidctest.Authorization, oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Query().Get("redirect_uri") == flowOwnCallback {
						w.WriteHeader(400)
					}
				}))
			},
			mistake{check: "redirect URI", level: core.FindingNote, text: "does not show", line: flowOwnCallback},
		},
		"scopes refused": {sendBack("error=invalid_scope"), mistake{check: "scopes", level: core.FindingWrong, text: "profile email", line: `Scopes: []string{"profile", "email"},`}},
		"flow refused":   {sendBack("error=unauthorized_client"), mistake{check: "client", level: core.FindingWrong, text: "may not begin a login"}},
		"any redirect":   {sendBack("error=login_required"), mistake{check: "redirect URI", level: core.FindingNote, text: "to any redirect URI", line: flowOwnCallback}},
		"a page of errors": {
			sendElsewhere("/login?x=1", "/error?code=redirect"), mistake{check: "redirect URI", level: core.FindingOK, text: "accepts the redirect URI " + flowOwnCallback},
		},
		"good key":    {nil, mistake{config: withKey, check: "client", level: core.FindingOK, text: "accepts ClientID and ClientKey"}},
		"another key": {nil, mistake{config: func(c *core.Config) { withKey(c); c.ClientKey = &core.ClientKey{Signer: clientKeyPairs()["RSA"]} }, check: "client", level: core.FindingWrong, text: "does not accept ClientID and ClientKey", line: "http://localhost:8080/api/auth/v2/client-keys.json"}},
		"no keys offered": {
			func(idp *oidctest.Provider) {
				announce(idp, "token_endpoint_auth_methods_supported", "client_secret_basic")
			},
			mistake{config: withKey, check: "client", level: core.FindingWrong, text: "does not announce private_key_jwt"},
		},
		"algorithm not offered": {
			func(idp *oidctest.Provider) {
				announce(idp, "token_endpoint_auth_signing_alg_values_supported", "PS256")
			},
			mistake{config: withKey, check: "client", level: core.FindingWrong, text: "does not announce ES256"},
		},
		"a key that fails": {nil, mistake{config: func(c *core.Config) {
			withKey(c)
			c.ClientKey = &core.ClientKey{Signer: kms{clientKeyPairs()["P-256"], func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("no") }}}
		}, check: "client", level: core.FindingWrong, text: "does not sign"}},
		"method not offered": {
			func(idp *oidctest.Provider) {
				announce(idp, "token_endpoint_auth_methods_supported", "client_secret_basic")
			},
			mistake{config: func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_post" }, check: "client", level: core.FindingNote, text: "does not announce client_secret_post"},
		},
		"the same page": {sendElsewhere("/login?x=1", "/login?x=2"), mistake{check: "redirect URI", level: core.FindingNote, text: "does not show", line: flowOwnCallback}},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
			if c.spoil != nil {
				c.spoil(idp)
			}
			list := flowOver(t, idp, c.config).auth.Doctor(t.Context())
			if !c.has(list) {
				t.Errorf("got %+v", list)
			}
		})
	}
}

// announce makes a member of the discovery document a list of one word. The provider itself goes on as before.
func announce(idp *oidctest.Provider, member, word string) {
	idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document[member] = []string{word} })
}

// Where logins are pushed, Doctor pushes: a registered redirect URI is found, and one that is not.
func TestDoctorPushes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*oidctest.Provider)
		mistake
	}{
		"registered":     {register, mistake{config: onPublic, check: "redirect URI", level: core.FindingOK, text: publicCallback + " is registered"}},
		"not registered": {nil, mistake{config: onPublic, check: "redirect URI", level: core.FindingWrong, text: "register this redirect URI for the client app", line: publicCallback}},
		"down":           {func(idp *oidctest.Provider) { idp.Fault(oidctest.PushedRequests, oidctest.Refused()) }, mistake{config: onPublic, check: "redirect URI", level: core.FindingNote, text: "could not ask", line: publicCallback}},
		"never": {nil, mistake{
			config: func(c *core.Config) { c.PushedRequests = core.PushNever }, check: "offers", level: core.FindingWrong, text: "refuses every login", line: "PushedRequests: core.PushWhenOffered,",
		}},
	} {
		idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithPushedRequestsOnly())
		if c.spoil != nil {
			c.spoil(idp)
		}
		if list := flowOver(t, idp, c.config).auth.Doctor(t.Context()); !c.has(list) {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}

// sendBack makes a provider that sends every browser to the redirect URI, without a look at it.
func sendBack(query string) func(*oidctest.Provider) {
	return func(idp *oidctest.Provider) {
		idp.Fault(oidctest.Authorization, oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+query, http.StatusFound)
		}))
	}
}

// sendElsewhere makes a provider that redirects to one page of its own for the callback, and to another for other addresses.
func sendElsewhere(good, bad string) func(*oidctest.Provider) {
	return func(idp *oidctest.Provider) {
		idp.Fault(oidctest.Authorization, oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			target := bad
			if r.URL.Query().Get("redirect_uri") == flowOwnCallback {
				target = good
			}
			http.Redirect(w, r, target, http.StatusFound)
		}))
	}
}

// Doctor asks about a few redirect URIs alone, and takes no cookie of the application along.
func TestDoctorBoundsItsLogins(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := newFlow(t, func(c *core.Config) {
		at, err := url.Parse(c.DiscoveryURL)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(&url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/"}, []*http.Cookie{{Name: "session", Value: "of-somebody", Path: "/"}})
		c.HTTPClient.Jar = jar
		for _, path := range strings.Split("abcdefghijkl", "") {
			c.RedirectURIs = append(c.RedirectURIs, "https://app.example.org/"+path)
		}
	})
	list := f.auth.Doctor(t.Context())
	if n := len(f.idp.Asked(oidctest.Authorization)); n > 6 {
		t.Errorf("%d logins were begun", n)
	}
	if n := len(found(list, "redirect URI", "")); n != 13 {
		t.Errorf("%d redirect URIs are named", n)
	}
	for _, asked := range f.idp.Asked(oidctest.Authorization) {
		if asked.Header.Get("Cookie") != "" || asked.Query.Get("prompt") != "none" {
			t.Errorf("got %+v", asked)
		}
	}
}
