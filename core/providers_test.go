package core_test

import (
	"context"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"golang.org/x/oauth2"
)

// second is the name of the second provider of these tests. It has the key ID, the users, the client id and the secret of the first.
const second = "second"

// another starts the second provider.
func another(t testing.TB, options ...oidctest.Option) *oidctest.Provider {
	t.Helper()
	idp := oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256"), oidctest.WithKeyID("k1")}, options...)...)
	idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, Audience: nil,
		RedirectURIs: []string{webURL + "/auth/v2/callback/" + second, flowRedirect, "http://localhost:8080/api/auth/v2/callback/" + second},
	})
	return idp
}

// entryOf returns the settings of a further provider.
func entryOf(idp *oidctest.Provider) core.Provider {
	c := idp.Config()
	return core.Provider{Name: second, Label: "The second", DiscoveryURL: c.DiscoveryURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret}
}

// chosen returns the address of the chooser's link to a provider.
func chosen(t *testing.T, page, name string) string {
	t.Helper()
	for _, part := range strings.Split(page, `href="`)[1:] {
		link, _, _ := strings.Cut(part, `"`)
		if link = html.UnescapeString(link); strings.Contains(link, "provider="+name) {
			return link
		}
	}
	t.Fatalf("no link to %s in %s", name, page)
	return ""
}

// newFlows makes a service of two providers.
func newFlows(t *testing.T, change func(*core.Config), options ...oidctest.Option) (*flowService, *oidctest.Provider) {
	t.Helper()
	other := another(t)
	f := newFlow(t, func(c *core.Config) {
		c.Name, c.Providers = "first", []core.Provider{entryOf(other)}
		if change != nil {
			change(c)
		}
	}, append([]oidctest.Option{oidctest.WithKeyID("k1")}, options...)...)
	return f, other
}

// newWebs makes a web application with two providers.
func newWebs(t *testing.T, change func(*core.Config), options ...oidctest.Option) (*web, *oidctest.Provider) {
	t.Helper()
	other := another(t, options...)
	w := newWeb(t, func(c *core.Config) {
		c.Name, c.Providers = "first", []core.Provider{entryOf(other)}
		if change != nil {
			change(c)
		}
	}, append(options, oidctest.WithKeyID("k1"))...)
	w.others = []*oidctest.Provider{other}
	return w, other
}

// at logs a program in at a provider, by a loopback login.
func (f *flowService) at(idp *oidctest.Provider, user string, more url.Values) core.Token {
	f.t.Helper()
	query := url.Values{"redirect_uri": {flowRedirect}}
	maps.Copy(query, more)
	target, _ := f.login(query)
	back, err := idp.Approve(target.String(), user)
	if err != nil {
		f.t.Fatal(err)
	}
	return flowGranted(f.t, f.post("token", url.Values{
		"code": {back.Query().Get("code")}, "redirect_uri": {flowRedirect}, "code_verifier": {back.Query().Get("state")},
	}))
}

var toSecond = url.Values{"provider": {second}}

// A guard takes the tokens of each provider, verified with its own keys, although both have one key ID, one client and one subject. A token
// of an unknown issuer, or of one that only looks similar, causes no fetch.
func TestProvidersGuard(t *testing.T) {
	f, other := newFlows(t, nil)
	for _, issuer := range []string{"https://evil.example", f.idp.Issuer() + "x", other.Issuer() + "//", ""} {
		if _, err := f.admit(other.AccessToken("alice", oidctest.Claims{"iss": issuer})); err == nil {
			t.Errorf("issuer %q passes", issuer)
		}
	}
	if n := f.idp.Hits(oidctest.Discovery) + other.Hits(oidctest.Discovery); n != 0 {
		t.Errorf("%d fetches for unknown issuers", n)
	}
	for _, idp := range []*oidctest.Provider{f.idp, other} {
		who, err := f.admit(idp.AccessToken("alice"))
		if err != nil || who.Issuer() != idp.Issuer() || who.Subject() != "alice" {
			t.Errorf("%v: %v", idp.Issuer(), err)
		}
	}
	// Each signs in the name of the other.
	if _, err := f.admit(other.AccessToken("alice", oidctest.Claims{"iss": f.idp.Issuer()})); err == nil {
		t.Error("the second provider signs for the first")
	}
	if _, err := f.admit(f.idp.AccessToken("alice", oidctest.Claims{"iss": other.Issuer()})); err == nil {
		t.Error("the first provider signs for the second")
	}
}

// One provider that is away touches no other, and Ready fails only when nobody can be admitted.
func TestProvidersOneIsDown(t *testing.T) {
	f, other := newFlows(t, nil)
	for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS, oidctest.Token} {
		f.idp.Fault(endpoint, oidctest.Refused())
	}
	if _, err := f.admit(other.AccessToken("alice")); err != nil {
		t.Errorf("a token of the one that is up: %v", err)
	}
	wantAnswerStatus(t, f, f.idp.AccessToken("alice"), http.StatusServiceUnavailable)
	if token := f.at(other, "alice", toSecond); token.AccessToken == "" {
		t.Error("no login at the one that is up")
	}
	if err := f.auth.Ready(t.Context()); err != nil {
		t.Errorf("not ready although one is up: %v", err)
	}
	if !strings.Contains(f.traffic.logs.String(), "provider=first") || strings.Contains(f.traffic.logs.String(), "provider=second") {
		t.Errorf("the log does not say which: %s", f.traffic.logs.String())
	}

	g, down := newFlows(t, nil)
	g.idp.Fault(oidctest.Discovery, oidctest.Refused())
	down.Fault(oidctest.Discovery, oidctest.Refused())
	if err := g.auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "first") || !strings.Contains(err.Error(), second) {
		t.Errorf("both are down: %v", err)
	}
}

func wantAnswerStatus(t *testing.T, f *flowService, token string, status int) {
	t.Helper()
	decision := f.auth.Required().Admit(t.Context(), core.Credentials{Method: "GET", Target: "/", Header: http.Header{"Authorization": {"Bearer " + token}}})
	if decision.Refusal == nil || decision.Refusal.Status != status {
		t.Errorf("got %+v, want %d", decision.Refusal, status)
	}
}

// A refresh token, a logout and userinfo go to the provider that issued the tokens, in passthrough mode too, where the client gets the
// provider's own tokens.
func TestProvidersPassthrough(t *testing.T) {
	f, other := newFlows(t, nil)
	token := f.at(other, "alice", url.Values{"provider": {second}, "offline_access": {"true"}})
	who := f.who(token.AccessToken)
	if who.Issuer() != other.Issuer() {
		t.Fatalf("the token is of %s", who.Issuer())
	}
	before := f.idp.Hits(oidctest.Token)
	next := flowGranted(t, f.refresh(token.RefreshToken))
	if f.who(next.AccessToken).Issuer() != other.Issuer() || f.idp.Hits(oidctest.Token) != before {
		t.Error("the refresh went to the wrong provider")
	}
	if sent := other.Last(oidctest.Token).Form.Get("refresh_token"); sent == "" || strings.Contains(sent, second) {
		t.Errorf("the provider got %q", sent)
	}
	main := f.at(f.idp, "alice", url.Values{"offline_access": {"true"}})
	if strings.HasPrefix(main.RefreshToken, "provider:") {
		t.Error("the refresh token of the main provider is changed")
	}
	flowGranted(t, f.refresh(main.RefreshToken))
	answer := f.get("logout", nil, "Authorization: Bearer "+next.AccessToken)
	if to := answer.Header.Get("Location"); !strings.HasPrefix(to, other.URL(oidctest.EndSession)) {
		t.Errorf("the logout leads to %s", to)
	}
	if other.Hits(oidctest.Revocation) == 0 || f.idp.Hits(oidctest.Revocation) != 0 {
		t.Error("the access token was not revoked at its own provider alone")
	}
	// A mark with a name that is not configured is a token of the main provider, which refuses it.
	if answer := f.refresh("provider:third:x"); answer.Status < 400 {
		t.Errorf("an unknown mark: %d", answer.Status)
	}
}

// In broker mode own tokens say whose person they are, own subjects of two providers are never equal, and a refresh goes to the own one.
func TestProvidersBroker(t *testing.T) {
	f, other := newFlows(t, brokered())
	main, further := f.at(f.idp, "alice", url.Values{"offline_access": {"true"}}), f.at(other, "alice", url.Values{"provider": {second}, "offline_access": {"true"}})
	one, two := f.who(main.AccessToken), f.who(further.AccessToken)
	if one.Subject() != "alice" || two.Subject() != "second|alice" {
		t.Errorf("own subjects %q, %q", one.Subject(), two.Subject())
	}
	if issuer, subject := two.Person(); issuer != other.Issuer() || subject != "alice" {
		t.Errorf("the person is %s %s", issuer, subject)
	}
	before := f.idp.Hits(oidctest.Token)
	next := flowGranted(t, f.refresh(further.RefreshToken))
	if f.who(next.AccessToken).Subject() != "second|alice" || f.idp.Hits(oidctest.Token) != before {
		t.Error("the refresh went to the wrong provider")
	}
	// An exchange of a token of each.
	for idp, want := range map[*oidctest.Provider]string{f.idp: "bob", other: "second|bob"} {
		token := flowGranted(t, f.exchange(idp.AccessToken("bob"), nil))
		if got := f.who(token.AccessToken).Subject(); got != want {
			t.Errorf("an exchanged token of %s is for %q", idp.Issuer(), got)
		}
	}
	// A person of the main provider cannot become one of the second by a name.
	if answer := f.exchange(f.idp.AccessToken("second|alice"), nil); answer.Status != http.StatusForbidden && answer.Status != http.StatusBadRequest {
		t.Errorf("the subject of another provider's person: %d %s", answer.Status, answer.Body)
	}
	// Ending the sessions of one person leaves the namesake.
	if n, err := f.auth.EndSessions(t.Context(), other.Issuer(), "alice"); err != nil || n != 1 {
		t.Errorf("%d sessions ended, %v", n, err)
	}
	if _, err := f.admit(next.AccessToken); err == nil {
		t.Error("the token lives on")
	}
	if _, err := f.admit(main.AccessToken); err != nil {
		t.Errorf("the namesake was logged out: %v", err)
	}
	// The logout leads to the own provider.
	if to := f.get("logout", nil, "Authorization: Bearer "+main.AccessToken).Header.Get("Location"); !strings.HasPrefix(to, f.idp.URL(oidctest.EndSession)) {
		t.Errorf("the logout leads to %s", to)
	}
}

// A device login at a provider that is not the main one: the device code says whose it is.
func TestProvidersDevice(t *testing.T) {
	f, other := newFlows(t, nil)
	answer := f.post("device", toSecond)
	var start core.DeviceStart
	if err := json.Unmarshal(answer.Body, &start); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	if err := other.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	token := flowGranted(t, f.post("token", url.Values{"device_code": {start.DeviceCode}}))
	if f.who(token.AccessToken).Issuer() != other.Issuer() {
		t.Error("the token is of another provider")
	}
	if answer := f.post("device", url.Values{"provider": {"third"}}); answer.Status != http.StatusBadRequest {
		t.Errorf("an unknown provider: %d", answer.Status)
	}
}

// A login names the provider; a person who names none chooses on a page, and a program gets the main one.
func TestProvidersChooser(t *testing.T) {
	w, other := newWebs(t, nil)
	b := w.browser()
	answer := b.do(http.MethodGet, "/auth/v2/login?return_to=%2Fpage%3Fx%3D%22%3E", navigation...)
	page := body(answer)
	if answer.StatusCode != http.StatusOK || !strings.Contains(page, "The second") || strings.Contains(page, `x="`) || len(answer.Cookies()) != 0 {
		t.Fatalf("no chooser: %d %s", answer.StatusCode, page)
	}
	link := chosen(t, page, second)
	answer, path := b.visit(strings.TrimPrefix(link, webURL), "alice")
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(path, "/page?x=") {
		t.Errorf("after the choice: %d at %s", answer.StatusCode, path)
	}
	if other.Hits(oidctest.Token) != 1 || w.idp.Hits(oidctest.Token) != 0 {
		t.Error("the login was at the wrong provider")
	}
	if answer := b.do(http.MethodGet, "/auth/v2/login?provider=third", navigation...); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown provider: %d", answer.StatusCode)
	}
	for query, idp := range map[string]*oidctest.Provider{"": w.idp, "?provider=first": w.idp, "?provider=second": other} {
		answer := b.do(http.MethodGet, "/auth/v2/login"+query)
		if to := answer.Header.Get("Location"); !strings.HasPrefix(to, idp.URL(oidctest.Authorization)) {
			t.Errorf("a program's login%s leads to %q", query, to)
		}
	}
	// The application shows its own page.
	own, _ := newWebs(t, func(c *core.Config) {
		c.OnChoose = func(_ context.Context, _ *core.Request, choices []core.Choice) *core.Response {
			text, _ := json.Marshal(choices)
			return &core.Response{Status: http.StatusOK, Body: text}
		}
	})
	var choices []core.Choice
	if err := json.Unmarshal([]byte(body(own.browser().do(http.MethodGet, "/auth/v2/login", navigation...))), &choices); err != nil || len(choices) != 2 || choices[1].Name != second || choices[0].Label != "first" {
		t.Errorf("%+v, %v", choices, err)
	}
}

// The chooser leads a client without browser sessions to the callback of the chosen provider.
func TestProvidersChooserOfAClient(t *testing.T) {
	f, other := newFlows(t, nil)
	for _, redirect := range []string{flowRedirect, flowOwnCallback} {
		answer := f.get("login", url.Values{"redirect_uri": {redirect}}, navigation...)
		link, err := url.Parse(chosen(t, string(answer.Body), second))
		if err != nil {
			t.Fatal(err)
		}
		target, _ := f.login(link.Query())
		if !strings.HasPrefix(target.String(), other.URL(oidctest.Authorization)) {
			t.Errorf("%s: %s", redirect, target)
		}
	}
	// A client with its own challenge redeems the code itself and has to know whose it is: it names the provider.
	verifier := oauth2.GenerateVerifier()
	query := url.Values{"redirect_uri": {flowRedirect}, "code_challenge_method": {"S256"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}}
	if target, _ := f.login(query, navigation...); !strings.HasPrefix(target.String(), f.idp.URL(oidctest.Authorization)) {
		t.Errorf("a client with a challenge is led to %s", target)
	}
	query.Set("provider", second)
	target, _ := f.login(query)
	back, err := other.Approve(target.String(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"code": {back.Query().Get("code")}, "redirect_uri": {flowRedirect}, "code_verifier": {verifier}, "provider": {second}}
	if token := flowGranted(t, f.post("token", form)); f.who(token.AccessToken).Issuer() != other.Issuer() {
		t.Error("the token is of another provider")
	}
}

// The code of one provider never reaches the token endpoint of another (RFC 9700 section 4.4): not at the callback of another provider, even
// if neither sends iss, and not with another iss.
func TestProvidersMixUp(t *testing.T) {
	for _, options := range [][]oidctest.Option{nil, {oidctest.WithoutIssParameter()}} {
		w, other := newWebs(t, nil, options...)
		for _, c := range []struct {
			name   string
			at     *oidctest.Provider
			change func(back *url.URL)
		}{
			{second, other, func(back *url.URL) { back.Path = "/auth/v2/callback" }},
			{"first", w.idp, func(back *url.URL) { back.Path = "/auth/v2/callback/" + second }},
			{second, other, func(back *url.URL) { setQuery(back, "iss", w.idp.Issuer()) }},
			{second, other, func(back *url.URL) { setQuery(back, "iss", other.Issuer()+"/") }},
		} {
			b := w.browser()
			answer := b.do(http.MethodGet, "/auth/v2/login?provider="+c.name, navigation...)
			back, err := c.at.Approve(answer.Header.Get("Location"), "alice")
			if err != nil {
				t.Fatal(err)
			}
			c.change(back)
			if answer := b.do(http.MethodGet, back.RequestURI(), navigation...); answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s at %s: %d", c.name, back.Path, answer.StatusCode)
			}
		}
		if n := w.idp.Hits(oidctest.Token) + other.Hits(oidctest.Token); n != 0 {
			t.Errorf("%d codes were sent to a token endpoint", n)
		}
	}
}

func setQuery(address *url.URL, name, value string) {
	query := address.Query()
	query.Set(name, value)
	address.RawQuery = query.Encode()
}

// Sessions of two providers: each says where it began, namesakes have separate lists, and a logout at one provider ends its own alone.
func TestProvidersSessions(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w, other := newWebs(t, mode)
		one, two := w.browser(), w.browser()
		one.visit("/auth/v2/login?provider=first", "alice")
		two.visit("/auth/v2/login?provider="+second, "alice")
		if got := body(one.do(http.MethodGet, "/page", navigation...)); !strings.HasPrefix(got, "alice ") {
			t.Errorf("the first: %q", got)
		}
		if got := body(two.do(http.MethodGet, "/page", navigation...)); !strings.HasPrefix(got, "second|alice ") {
			t.Errorf("the second: %q", got)
		}
		for _, idp := range []*oidctest.Provider{w.idp, other} {
			if list, err := w.auth.SessionsOf(t.Context(), idp.Issuer(), "alice"); err != nil || len(list) != 1 {
				t.Errorf("%d sessions, %v", len(list), err)
			}
		}
		// A logout token of the second provider in the name of the first, and one of its own.
		forged := other.LogoutToken("alice", oidctest.Claims{"iss": w.idp.Issuer()})
		if answer := two.do(http.MethodPost, "/auth/v2/backchannel-logout", "Form: logout_token="+forged); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a forged logout token: %d", answer.StatusCode)
		}
		if answer := two.do(http.MethodPost, "/auth/v2/backchannel-logout", "Form: logout_token="+other.LogoutToken("alice")); answer.StatusCode != http.StatusOK {
			t.Errorf("a logout token: %d", answer.StatusCode)
		}
		if answer := two.do(http.MethodGet, "/page", script...); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("the second after its logout: %d", answer.StatusCode)
		}
		if answer := one.do(http.MethodGet, "/page", script...); answer.StatusCode != http.StatusOK {
			t.Errorf("the first after the logout of the second: %d", answer.StatusCode)
		}
		// A logout here leads to the own provider.
		three := w.browser()
		three.visit("/auth/v2/login?provider="+second, "bob")
		answer := three.do(http.MethodPost, "/auth/v2/logout", navigation[0], navigation[1], "Sec-Fetch-Site: same-origin")
		if to := answer.Header.Get("Location"); !strings.HasPrefix(to, other.URL(oidctest.EndSession)) {
			t.Errorf("the logout leads to %q", to)
		}
	})
}

// The sessions of a provider that is not configured any more end; those of the others live on.
func TestProvidersRemoved(t *testing.T) {
	w, other := newWebs(t, func(c *core.Config) {
		c.Store, c.Broker = store.NewMemory(), &core.BrokerConfig{SigningAlgorithm: "EdDSA"}
	})
	one, two := w.browser(), w.browser()
	one.visit("/auth/v2/login?provider=first", "alice")
	two.visit("/auth/v2/login?provider="+second, "alice")
	w.cfg.Providers = nil
	w.serve()
	if answer := one.do(http.MethodGet, "/page", script...); answer.StatusCode != http.StatusOK {
		t.Errorf("the first: %d", answer.StatusCode)
	}
	if answer := two.do(http.MethodGet, "/page", script...); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the second: %d", answer.StatusCode)
	}
	if guardAnswer := w.auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {other.Bearer("alice")}}}); guardAnswer.Refusal == nil || guardAnswer.Refusal.Status != http.StatusUnauthorized {
		t.Errorf("a token of the second: %+v", guardAnswer.Refusal)
	}
}

// Every mistake in the list of providers names the entry.
func TestProvidersFaults(t *testing.T) {
	entry := core.Provider{Name: "b", DiscoveryURL: "https://b.example/.well-known/openid-configuration", ClientID: "id"}
	with := func(change func(*core.Provider)) core.Provider { p := entry; change(&p); return p }
	for want, list := range map[string][]core.Provider{
		"Config.Providers[0].Name": {with(func(p *core.Provider) { p.Name = "a/b" })},
		"Config.Providers[1].Name": {entry, with(func(p *core.Provider) {
			p.Name, p.DiscoveryURL = "B", "https://c.example/.well-known/openid-configuration"
		})},
		"Config.Providers[0].DiscoveryURL": {with(func(p *core.Provider) { p.DiscoveryURL = "http://b.example/.well-known/openid-configuration" })},
		"Config.Providers[1].DiscoveryURL": {entry, with(func(p *core.Provider) { p.Name = "c" })},
		"Config.Providers[0].ClientID":     {with(func(p *core.Provider) { p.ClientID = "" })},
		"Config.Providers[0].Scopes":       {with(func(p *core.Provider) { p.Scopes = []string{"a b"} })},
		"Config.Providers[0].Audience":     {with(func(p *core.Provider) { p.Audience = []string{core.AnyAudience, "x"} })},
		"Config.Providers: 101 entries":    slices.Repeat([]core.Provider{entry}, 101),
	} {
		_, err := core.New(core.Config{
			DiscoveryURL: "https://a.example/.well-known/openid-configuration", ClientID: "id", SecretKeys: []string{"a key for these tests, thirty-two bytes"}, Providers: list,
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	// Without a provider in the fields of Config, the first entry is the main one, and keeps its place in errors.
	broken := with(func(p *core.Provider) { p.ClientID = "" })
	if _, err := core.New(core.Config{Providers: []core.Provider{broken}}); err == nil || !strings.Contains(err.Error(), "Config.Providers[0].ClientID") {
		t.Errorf("got %v", err)
	}
	if auth, err := core.New(core.Config{Providers: []core.Provider{entry}, SecretKeys: []string{"a key for these tests, thirty-two bytes"}}); err != nil {
		t.Errorf("got %v", err)
	} else {
		_ = auth.Close()
	}
}

// Without PublicURL and with a prefix, the links of the chooser stay on the page that shows them.
func TestProvidersChooserWithoutAddress(t *testing.T) {
	f, _ := newFlows(t, func(c *core.Config) { c.PublicURL = "" })
	answer := f.get("login", url.Values{"redirect_uri": {flowRedirect}}, navigation...)
	if link := chosen(t, string(answer.Body), second); !strings.HasPrefix(link, "?") {
		t.Errorf("a link leads to %q", link)
	}
}

// A logout goes on at the own provider also if that issued no ID token, so that there is no hint for it.
func TestProvidersLogoutWithoutHint(t *testing.T) {
	f, other := newFlows(t, brokered())
	other.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) {
		delete(answer, "id_token")
		answer["scope"] = "profile email"
	})
	token := f.at(other, "alice", toSecond)
	to := f.get("logout", nil, "Authorization: Bearer "+token.AccessToken).Header.Get("Location")
	if !strings.HasPrefix(to, other.URL(oidctest.EndSession)) || strings.Contains(to, "id_token_hint") {
		t.Errorf("the logout leads to %s", to)
	}
}
