package core_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

// A hostile provider that names the endpoints of the honest one in its document, one at a time, gets none of the honest one's codes, and logs
// nobody in as a person of the honest one. The honest one's people are not affected.
func TestHostileDocument(t *testing.T) {
	for member, endpoint := range map[string]oidctest.Endpoint{
		"authorization_endpoint": oidctest.Authorization, "token_endpoint": oidctest.Token, "jwks_uri": oidctest.JWKS, "userinfo_endpoint": oidctest.UserInfo,
		"end_session_endpoint": oidctest.EndSession, "revocation_endpoint": oidctest.Revocation, "introspection_endpoint": oidctest.Introspection,
	} {
		t.Run(member, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
				w, hostile := newWebs(t, mode)
				hostile.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document[member] = w.idp.URL(endpoint) })
				w.wantNobodyElse(hostile)
			})
		})
	}
}

// wantNobodyElse logs in at a hostile provider, as alice, whom the honest one has too. Whatever comes of it is no session of the honest one.
func (w *web) wantNobodyElse(hostile *oidctest.Provider) {
	w.t.Helper()
	b := w.browser()
	answer := b.do(http.MethodGet, "/auth/v2/login?return_to=/page&provider="+second, navigation...)
	if to := answer.Header.Get("Location"); to != "" {
		at := w.providerOf(to)
		if back, err := at.Approve(to, "alice"); err == nil { // the honest one refuses a callback that is not registered there
			answer = b.do(http.MethodGet, back.RequestURI(), navigation...)
		} else if at == hostile {
			w.t.Error(err)
		}
	}
	if who := body(b.do(http.MethodGet, "/page", script...)); strings.HasPrefix(who, "alice ") {
		w.t.Errorf("a login at the hostile provider is a session of %q", who)
	}
	if list, err := w.auth.SessionsOf(w.t.Context(), w.idp.Issuer(), "alice"); err != nil || len(list) != 0 {
		w.t.Errorf("the honest provider's alice has %d sessions, %v", len(list), err)
	}
	honest := w.browser()
	honest.visit("/auth/v2/login?return_to=/page&provider=first", "alice")
	if who := body(honest.do(http.MethodGet, "/page", script...)); !strings.HasPrefix(who, "alice ") {
		w.t.Errorf("the honest provider's alice is %q", who)
	}
	if answer.StatusCode >= 500 && answer.StatusCode != http.StatusBadGateway && answer.StatusCode != http.StatusServiceUnavailable {
		w.t.Errorf("%d", answer.StatusCode)
	}
}

// A hostile provider sends the browser on to the honest one, with the parameters of the login, and waits for the honest one's code. Where the
// honest one has the hostile one's callback registered, iss says whose the code is.
func TestHostileAuthorizationEndpoint(t *testing.T) {
	w, hostile := newWebs(t, nil)
	w.idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{webURL + "/auth/v2/callback", webURL + "/auth/v2/callback/" + second},
	})
	hostile.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) {
		document["authorization_endpoint"] = w.idp.URL(oidctest.Authorization)
	})
	b := w.browser()
	answer := b.do(http.MethodGet, "/auth/v2/login?provider="+second, navigation...)
	back, err := w.idp.Approve(answer.Header.Get("Location"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if answer := b.do(http.MethodGet, back.RequestURI(), navigation...); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the honest provider's code at the hostile one's callback: %d", answer.StatusCode)
	}
	if n := hostile.Hits(oidctest.Token); n != 0 {
		t.Errorf("the hostile provider got %d codes", n)
	}
}

// A program gets the answer of its login itself. If it passes iss on with the code, a code of the honest provider is not sent to the hostile one.
func TestHostileAnswerToProgram(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	for what, more := range map[string]url.Values{
		"a loopback login": {}, "an own challenge": {"code_challenge_method": {"S256"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "state": {"mine"}},
	} {
		t.Run(what, func(t *testing.T) {
			f, hostile := newFlows(t, nil)
			begin := func(at *oidctest.Provider) url.Values {
				query := url.Values{"provider": {second}, "redirect_uri": {flowRedirect}}
				maps.Copy(query, more)
				target, _ := f.login(query)
				back, err := at.Approve(target.String(), "alice")
				if err != nil {
					t.Fatal(err)
				}
				form := url.Values{"code": back.Query()["code"], "redirect_uri": {flowRedirect}, "provider": {second}, "code_verifier": back.Query()["state"], "iss": back.Query()["iss"]}
				if len(more) > 0 {
					form.Set("code_verifier", verifier)
				}
				return form
			}
			flowGranted(t, f.post("token", begin(hostile)))
			unsaid := begin(hostile)
			unsaid.Set("iss", "")
			flowGranted(t, f.post("token", unsaid))
			twice := begin(hostile)
			twice.Add("iss", hostile.Issuer())
			flowRefused(t, "twice", f.post("token", twice), 400, "invalid_request", "Parameter iss is given more than once.")
			before := hostile.Hits(oidctest.Token)
			hostile.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["authorization_endpoint"] = f.idp.URL(oidctest.Authorization) })
			f = flowOver(t, f.idp, func(c *core.Config) { c.Name, c.Providers = "first", []core.Provider{entryOf(hostile)} })
			flowRefused(t, "the honest provider's code", f.post("token", begin(f.idp)), 400, "invalid_request", "The answer is not from the provider of this login.")
			if n := hostile.Hits(oidctest.Token) - before; n != 0 {
				t.Errorf("the hostile provider got %d codes", n)
			}
		})
	}
}

// A hostile provider that uses the honest one's name: in its document, its ID tokens, its userinfo, the ID of its key, and an answer with an
// error.
func TestHostileName(t *testing.T) {
	for what, tamper := range map[string]func(w *web, hostile *oidctest.Provider){
		"the document": func(w *web, hostile *oidctest.Provider) {
			hostile.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document["issuer"] = w.idp.Issuer() })
		},
		"the ID token": func(w *web, hostile *oidctest.Provider) {
			hostile.Tamper(oidctest.IDTokens, func(token oidctest.Claims) { token["iss"] = w.idp.Issuer() })
		},
		"the ID token, with the honest one's token": func(w *web, hostile *oidctest.Provider) {
			hostile.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { answer["id_token"] = w.idp.IDToken("alice") })
		},
		"userinfo": func(w *web, hostile *oidctest.Provider) {
			hostile.Tamper(oidctest.UserInfoAnswers, func(answer oidctest.Claims) { answer["iss"], answer["sub"] = w.idp.Issuer(), "alice" })
		},
		"a key ID": func(*web, *oidctest.Provider) {}, // both have this one
	} {
		t.Run(what, func(t *testing.T) {
			w, hostile := newWebs(t, nil)
			tamper(w, hostile)
			w.wantNobodyElse(hostile)
		})
	}
	w, hostile := newWebs(t, nil)
	b := w.browser()
	answer := b.do(http.MethodGet, "/auth/v2/login?provider="+second, navigation...)
	back, err := hostile.Deny(answer.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	setQuery(back, "iss", w.idp.Issuer())
	refused := b.do(http.MethodGet, back.RequestURI(), navigation...)
	if text := body(refused); refused.StatusCode != http.StatusBadRequest || strings.Contains(text, "did not log you in") {
		t.Errorf("an error in the honest provider's name: %d %s", refused.StatusCode, text)
	}
}

// A posted answer is held to the callback address of its provider, too.
func TestHostilePostedAnswer(t *testing.T) {
	for _, options := range [][]oidctest.Option{nil, {oidctest.WithoutIssParameter()}} {
		w, hostile := newWebs(t, func(c *core.Config) {
			posting(c)
			c.Providers[0].ResponseMode = c.ResponseMode
		}, options...)
		for name, at := range map[string]*oidctest.Provider{"first": w.idp, second: hostile} {
			b := w.browser()
			start := b.do(http.MethodGet, "/auth/v2/login?provider="+name, navigation...)
			back, err := at.Approve(start.Header.Get("Location"), "alice")
			if err != nil {
				t.Fatal(err)
			}
			back.Path = map[string]string{"first": "/auth/v2/callback/" + second, second: "/auth/v2/callback"}[name]
			answer := b.post(back, nil)
			if onward, isOwn := strings.CutPrefix(answer.Header.Get("Location"), webURL); isOwn { // who is logged in would be led on
				answer = b.do(http.MethodGet, onward, navigation...)
			}
			if answer.StatusCode != http.StatusBadRequest || b.status("/page") != http.StatusUnauthorized {
				t.Errorf("%s at %s: %d", name, back.Path, answer.StatusCode)
			}
		}
		if n := w.idp.Hits(oidctest.Token) + hostile.Hits(oidctest.Token); n != 0 {
			t.Errorf("%d codes were sent to a token endpoint", n)
		}
	}
}

// One provider changes its keys while the other is away: new tokens of the one and old ones of the other are good.
func TestRotationDuringAnothersOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithKeyID("k"), oidctest.WithoutNetwork("https://one.example"))
		two := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithKeyID("k"), oidctest.WithoutNetwork("https://two.example"))
		config := one.Config()
		config.Providers, config.HTTPClient = []core.Provider{two.Entry("two")}, oidctest.HTTPClient(one, two)
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = auth.Close() }()
		guard := auth.Required()
		mustAdmit(t, guard, one.AccessToken("alice"))
		mustAdmit(t, guard, two.AccessToken("alice"))
		for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS} {
			one.Fault(endpoint, oidctest.Hang())
		}
		time.Sleep(time.Minute)
		if err := two.RotateKey(""); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		mustAdmit(t, guard, two.AccessToken("bob"))
		mustAdmit(t, guard, one.AccessToken("bob"))
		if waited := time.Since(begin); waited > 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

// After another provider has become the main one, the sessions of both are asked about at their own provider.
func TestAnotherMainProvider(t *testing.T) {
	w, other := newWebs(t, func(c *core.Config) { c.Sessions.RefreshAfter = time.Second })
	one, two := w.browser(), w.browser()
	one.visit("/auth/v2/login?return_to=/page&provider=first", "alice")
	two.visit("/auth/v2/login?return_to=/page&provider="+second, "alice")
	main := core.Provider{Name: "first", DiscoveryURL: w.cfg.DiscoveryURL, ClientID: w.cfg.ClientID, ClientSecret: w.cfg.ClientSecret}
	entry := w.cfg.Providers[0]
	w.cfg.Name, w.cfg.Label, w.cfg.DiscoveryURL, w.cfg.Providers = entry.Name, entry.Label, entry.DiscoveryURL, []core.Provider{main}
	w.serve()
	for idp, b := range map[*oidctest.Provider]*browser{w.idp: one, other: two} {
		if status := b.status("/page"); status != http.StatusOK {
			t.Errorf("a session of %s: %d", idp.Issuer(), status)
		}
		answer := b.do(http.MethodPost, "/auth/v2/logout", navigation[0], navigation[1], "Sec-Fetch-Site: same-origin")
		if to := answer.Header.Get("Location"); !strings.HasPrefix(to, idp.URL(oidctest.EndSession)) {
			t.Errorf("a logout leads to %q", to)
		}
	}
}

// The service reaches its provider at an inner address, people at the public one: the document says so, and Issuer.
func TestSplitHorizon(t *testing.T) {
	idp := newIDP(t)
	const public = "https://login.example"
	idp.change(func() {
		idp.metadata = claims{"issuer": public, "authorization_endpoint": public + "/authorize"}
	})
	service := idp.auth(func(c *core.Config) { c.Issuer = public })
	mustAdmit(t, service.Required(), idp.token(claims{"iss": public}))
	wantStatus(t, service.Required(), idp.token(), http.StatusUnauthorized) // the inner address is no issuer
	routes, err := service.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		if route.Method == http.MethodGet && route.Path == "/auth/v2/login" {
			answer := route.Serve(t.Context(), &core.Request{Method: route.Method, Query: url.Values{"redirect_uri": {flowRedirect}}})
			if to := answer.Header.Get("Location"); !strings.HasPrefix(to, public+"/authorize?") {
				t.Errorf("a login leads to %d %q", answer.Status, to)
			}
		}
	}
}
