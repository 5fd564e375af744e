package pypeer

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/pyclient"
)

// front is the address of a service that is moved: it hands on what comes to whatever serves now.
type front struct {
	URL  string
	back atomic.Pointer[url.URL]
}

func newFront(t *testing.T) *front {
	f := &front{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(f.back.Load()) }}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// to says who serves from now on.
func (f *front) to(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	f.back.Store(u)
}

// A service with py-oidc-auth is moved to this library, with its address and its signing key. Its peer stays as it is.
func TestMove(t *testing.T) {
	for _, version := range parts.PythonServerVersions {
		framework := map[string]string{"2604.3.0": "echo", "2606.0.0": "gin"}[version]
		t.Run(version+", "+framework, func(t *testing.T) {
			t.Parallel()
			m := newMove(t, version, framework)
			m.checks(t, compat.New(t, "py-oidc-auth", version, framework, "broker"))
		})
	}
}

// move is a service before and after.
type move struct {
	idp    *oidctest.Provider
	front  *front
	peer   *python          // trusts the service
	client *pyclient.Client // of somebody who was logged in before
	old    core.Token
	key    signer // that the service keeps
	ours   *app.App
}

func newMove(t *testing.T, version, framework string) *move {
	t.Helper()
	m := &move{idp: oidctest.NewProvider(t, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second})), front: newFront(t)}
	m.idp.AddUser(oidctest.User{Name: "dora", Claims: oidctest.Claims{"sub": "u-17", "preferred_username": "dora", "email": "dora@example.org", "groups": []string{"/staff"}}})
	here := m.front.URL + app.Prefix
	m.peer = newPython(t, version, m.idp, here)
	port := parts.FreePort(t)
	options := m.peer.options
	options.Store += ".moved"
	options.Trusted, options.Public, options.Port = nil, m.front.URL, port
	before := startPython(t, version, options)
	m.front.to(t, "http://127.0.0.1:"+strconv.Itoa(port))

	m.old = login(t, m.idp, here, "dora")
	m.client = pyclient.New(t, here, func(t testing.TB, address string) {
		app.NewAgent().SignIn(t, address, "", "alice", "alice")
	})
	if got := m.client.Authenticate(t, pyclient.Options{}); got.Token == nil || got.Me.Status != http.StatusOK {
		t.Fatalf("before the move: %+v", got)
	}
	status(t, "the peer, before", m.peer.get(t, "/me", m.old.AccessToken), http.StatusOK)
	text := before.key(t)
	m.key = newSigner(t, text)
	before.process.Stop()

	m.ours = newGo(t, framework, m.idp, func(_ string, cfg *core.Config) {
		cfg.PublicURL = here
		cfg.Leeway = time.Second
		cfg.Broker.ImportKey = text
		cfg.Broker.SubjectClaim = "preferred_username" // as before
		cfg.Broker.TrustedIssuers = []string{m.peer.issuer()}
	})
	m.front.to(t, m.ours.URL)
	m.ours.URL = m.front.URL // where everybody finds it
	return m
}

func (m *move) checks(t *testing.T, checks *compat.Checks) {
	checks.Run("moved: the key keeps its name", func(t *testing.T) {
		set := app.JSON[struct{ Keys []map[string]any }](t, m.ours.Get(t, "/auth/v2/.well-known/jwks.json", ""))
		if len(set.Keys) != 1 || set.Keys[0]["kid"] != m.key.kid || read(t, m.old.AccessToken, 0)["kid"] != m.key.kid {
			t.Errorf("keys %v, and tokens were signed with %s", set.Keys, m.key.kid)
		}
	})
	checks.Run("moved: tokens from before are good until they expire", func(t *testing.T) {
		if me := m.ours.Me(t, m.old.AccessToken); me.Subject != "dora" || me.Email != "dora@example.org" || !slices.Contains(me.Roles, "/staff") {
			t.Errorf("the guard says %+v", me)
		}
		claims := read(t, m.old.AccessToken, 1)
		end := time.Now().Add(3 * time.Second)
		short := m.key.sign(t, with(claims, "exp", end.Unix()))
		status(t, "a token that is about to expire", m.ours.Get(t, "/me", short), http.StatusOK)
		eventually(t, 30*time.Second, "it expires", func() bool { return m.ours.Get(t, "/me", short).Status == http.StatusUnauthorized })
		if late := time.Since(end); late < -time.Second {
			t.Errorf("it expired %s too early", -late)
		}
		status(t, "changed", m.ours.Get(t, "/me", changed(t, m.old.AccessToken, func(c map[string]any) { c["sub"] = "root" })), http.StatusUnauthorized)
	})
	checks.Run("moved: the peer takes new tokens and those from before", func(t *testing.T) {
		status(t, "from before", m.peer.get(t, "/me", m.old.AccessToken), http.StatusOK)
		token := login(t, m.idp, issuer(m.ours), "dora")
		if kid := read(t, token.AccessToken, 0)["kid"]; kid != m.key.kid {
			t.Errorf("it is signed with %v", kid)
		}
		if me := app.JSON[app.Me](t, m.peer.get(t, "/me", token.AccessToken)); me.Subject != "dora" || !slices.Contains(me.Roles, "/staff") {
			t.Errorf("the peer says %+v", me)
		}
		if me := m.ours.Me(t, token.AccessToken); me.Subject != "dora" || me.Claims["idp_sub"] != "u-17" {
			t.Errorf("ours says %+v", me)
		}
		if me := m.ours.Me(t, login(t, m.idp, m.peer.issuer(), "dora").AccessToken); me.Subject != "dora" {
			t.Errorf("of the peer's token, ours says %+v", me)
		}
	})
	checks.Run("moved: the client goes on with what it has, and logs in once it has expired", func(t *testing.T) {
		got := m.client.Authenticate(t, pyclient.Options{})
		if got.Token == nil || len(got.Requests) != 0 || got.Me.Status != http.StatusOK {
			t.Fatalf("with its token from before: %+v", got)
		}
		got = m.client.Authenticate(t, pyclient.Options{Stale: true})
		if paths := got.Paths(); got.Token == nil || paths != "token 401, device 200, token 200" || got.Me.Status != http.StatusOK {
			t.Fatalf("after %s: %d %s, the guard %d", paths, got.Status, got.Error, got.Me.Status)
		}
		if got = m.client.Authenticate(t, pyclient.Options{Stale: true}); got.Paths() != "token 200" || got.Me.Status != http.StatusOK {
			t.Errorf("a refresh later: after %s, the guard %d", got.Paths(), got.Me.Status)
		}
	})
	checks.Lacks("sessions in a move: py-oidc-auth keeps them under the id of an access token; they stay behind, and a user logs in once more when the access token has expired")
}
