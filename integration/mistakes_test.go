package integration

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// lockedBuffer is a buffer for the log of several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// mistake is a service that is set up wrongly, and all that it says.
type mistake struct {
	t    *testing.T
	idp  *oidctest.Provider
	cfg  core.Config
	said lockedBuffer
}

func newMistake(t *testing.T, options ...oidctest.Option) *mistake {
	m := &mistake{t: t, idp: oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, options...)...)}
	m.cfg = m.idp.Config()
	m.cfg.Logger = slog.New(slog.NewTextHandler(&m.said, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return m
}

// say adds a line to what is said.
func (m *mistake) say(what any) { _, _ = fmt.Fprintln(&m.said, what) }

// serve makes the service; an error of New is part of what is said.
func (m *mistake) serve() *core.Auth {
	auth, err := core.New(m.cfg)
	if err != nil {
		m.say(err)
		return nil
	}
	m.t.Cleanup(func() { _ = auth.Close() })
	return auth
}

// routes makes the service and its routes, by name.
func (m *mistake) routes() map[string]core.Route {
	byName := map[string]core.Route{}
	routes, err := m.serve().Routes(core.Paths{})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, route := range routes {
		byName[route.Name] = route
	}
	return byName
}

// begin asks for a login that ends at the own callback.
func (m *mistake) begin(routes map[string]core.Route) *core.Response {
	query := url.Values{"redirect_uri": {m.cfg.PublicURL + "/auth/v2/callback"}}.Encode()
	return routes["login"].Serve(m.t.Context(), core.ParseRequest(http.MethodGet, "/auth/v2/login?"+query, query, http.Header{}, nil))
}

// logIn lets alice log in at the provider and returns the answer of the callback of the other service, or of the same one.
func (m *mistake) logIn(routes, others map[string]core.Route) *core.Response {
	start := m.begin(routes)
	back, err := m.idp.Approve(start.Header.Get("Location"), "alice")
	if err != nil {
		m.t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(start.Header.Get("Set-Cookie"), ";")
	return others["callback"].Serve(m.t.Context(), core.ParseRequest(http.MethodGet, back.RequestURI(), back.RawQuery, http.Header{"Cookie": {cookie}}, nil))
}

func (m *mistake) admit(token string) {
	m.serve().Required().Admit(m.t.Context(), core.Credentials{Method: http.MethodGet, Target: "/orders", Header: http.Header{"Authorization": {"Bearer " + token}}})
}

// mistakes are what people set up wrongly, under the titles of docs/troubleshooting.md.
var mistakes = map[string]func(t *testing.T) *mistake{
	"Ask the doctor": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.ClientSecret, m.cfg.PublicURL = "another secret", "https://app.example.org"
		for _, finding := range m.serve().Doctor(t.Context()) {
			m.say(fmt.Sprintf("%s %s: %s %s", finding.Level, finding.Check, finding.Text, finding.Line))
		}
		return m
	},
	"The discovery address is wrong": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.DiscoveryURL = "http://127.0.0.1:9/.well-known/openid-configuration"
		m.say(m.serve().Ready(t.Context()))
		return m
	},
	"The realm is wrong": func(t *testing.T) *mistake {
		m := newMistake(t, oidctest.WithPath("/realms/demo"))
		m.cfg.DiscoveryURL = strings.Replace(m.cfg.DiscoveryURL, "/realms/demo", "/realms/dmeo", 1)
		m.say(m.serve().Ready(t.Context()))
		return m
	},
	"The issuer is another one": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.Issuer = m.idp.Issuer() + "/realms/demo"
		m.say(m.serve().Ready(t.Context()))
		return m
	},
	"The client secret is wrong": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.ClientSecret = "another secret"
		routes := m.routes()
		m.say(m.logIn(routes, routes).Status)
		return m
	},
	"The redirect URI is not registered": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.PublicURL = "https://app.example.org"
		address := m.begin(m.routes()).Header.Get("Location")
		m.say(address)
		if _, err := m.idp.Approve(address, "alice"); err == nil {
			t.Error("the provider takes it")
		}
		return m
	},
	"A client asks for another redirect URI": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.routes()["login"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "/auth/v2/login", "redirect_uri=https%3A%2F%2Fapp.example.org%2Fcallback", http.Header{}, nil))
		return m
	},
	"PublicURL is missing": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.PublicURL = ""
		m.serve()
		m.cfg.Sessions = &core.SessionConfig{}
		m.serve()
		return m
	},
	"PublicURL lacks the prefix": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.PublicURL = "https://app.example.org"
		if _, err := m.serve().Routes(core.Paths{Prefix: "/api"}); err != nil {
			t.Fatal(err)
		}
		return m
	},
	"The audience is another one": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.Audience = []string{"orders"}
		m.admit(m.idp.AccessToken("alice"))
		return m
	},
	"The token is of another issuer": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.admit(m.idp.AccessToken("alice", oidctest.Claims{"iss": "https://other.example.org"}))
		return m
	},
	"The clocks differ": func(t *testing.T) *mistake {
		m := newMistake(t)
		now := time.Now()
		m.admit(m.idp.AccessToken("alice", oidctest.Claims{"nbf": now.Add(5 * time.Minute).Unix()}))
		m.admit(m.idp.AccessToken("alice", oidctest.Claims{"exp": now.Add(-5 * time.Minute).Unix()}))
		return m
	},
	"SecretKeys differ between replicas": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.SecretKeys = []string{"the key of one replica, 32 bytes or more"}
		first := m.routes()
		m.cfg.SecretKeys = []string{"the key of another one, 32 bytes or more"}
		m.say(m.logIn(first, m.routes()).Status)
		m.cfg.Broker, m.cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		_ = m.serve().Ready(t.Context())
		m.cfg.SecretKeys = []string{"the key of a third one, 32 bytes or more"}
		_ = m.serve().Ready(t.Context())
		m.cfg.Broker, m.cfg.Sessions = nil, &core.SessionConfig{}
		cookie := m.idp.Session(m.serve(), "alice")
		m.cfg.SecretKeys = []string{"the key of a fourth one, 32 bytes or more"}
		guard := m.serve().Required()
		for range 3 {
			guard.Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}})
		}
		if n := strings.Count(m.said.String(), "a session cookie was refused"); n != 1 {
			t.Errorf("%d lines about cookies", n)
		}
		return m
	},
	"A guard covers the login": func(t *testing.T) *mistake {
		m := newMistake(t)
		auth := m.serve()
		if _, err := auth.Routes(core.Paths{}); err != nil {
			t.Fatal(err)
		}
		auth.Required().Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/auth/v2/login"})
		return m
	},
	"A guard stands before the CORS middleware": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.serve().Required().Admit(t.Context(), core.Credentials{
			Method: http.MethodOptions, Target: "/orders", Header: http.Header{"Origin": {"https://spa.example.org"}, "Access-Control-Request-Method": {"GET"}},
		})
		return m
	},
	"The store is not imported": func(t *testing.T) *mistake {
		m := newMistake(t)
		m.cfg.Sessions, m.cfg.StoreURL = &core.SessionConfig{}, "mongodb://db.example.org/app"
		m.serve()
		return m
	},
	"The provider's access tokens are opaque": func(t *testing.T) *mistake {
		m := newMistake(t, oidctest.WithOpaqueTokens())
		routes := m.routes()
		m.say(m.logIn(routes, routes).Status)
		return m
	},
}

// Each mistake says what docs/troubleshooting.md quotes for it: every line of a block stands in one line of the log or of an error. " … "
// in the page stands for anything.
func TestMistakesExplainThemselves(t *testing.T) {
	page, err := os.ReadFile("../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := quotes(string(page))
	for title := range quoted {
		if mistakes[title] == nil {
			t.Errorf("the page has %q, and no test makes it", title)
		}
	}
	for title, make := range mistakes {
		t.Run(title, func(t *testing.T) {
			said := make(t).said.String()
			if len(quoted[title]) == 0 {
				t.Fatalf("the page quotes nothing; said was\n%s", said)
			}
			for _, quote := range quoted[title] {
				if !quotedIn(said, quote) {
					t.Errorf("nothing says\n%s\nbut\n%s", quote, said)
				}
			}
		})
	}
}

// quotes returns the lines of the text blocks of a page under their titles.
func quotes(page string) map[string][]string {
	found, title, inside := map[string][]string{}, "", false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```text"
		case inside:
			found[title] = append(found[title], line)
		case strings.HasPrefix(line, "#"):
			title = strings.TrimLeft(line, "# ")
		}
	}
	return found
}

func quotedIn(said, quote string) bool {
	for line := range strings.Lines(said) {
		rest, all := line, true
		for part := range strings.SplitSeq(quote, " … ") {
			_, after, found := strings.Cut(rest, part)
			rest, all = after, all && found
		}
		if all {
			return true
		}
	}
	return false
}
