package core_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// web is an application with browser sessions, and its provider.
type web struct {
	t      *testing.T
	idp    *oidctest.Provider
	auth   *core.Auth
	mux    *http.ServeMux
	cfg    core.Config
	others []*oidctest.Provider // further providers
}

const webURL = "https://app.example.org"

// newWeb makes one: /page needs a caller, /open takes guests, /admin needs the role admin. Each answers with subject and session.
func newWeb(t *testing.T, change func(*core.Config), options ...oidctest.Option) *web {
	t.Helper()
	return newWebOn(t, change, oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, options...)...))
}

// newBubbleWeb makes one in a bubble, whose provider is in memory.
func newBubbleWeb(t *testing.T, change func(*core.Config), options ...oidctest.Option) *web {
	t.Helper()
	options = append(options, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"), oidctest.WithLifetimes(oidctest.Lifetimes{RefreshToken: 400 * 24 * time.Hour}))
	idp := oidctest.NewProvider(t, options...)
	return newWebOn(t, func(c *core.Config) {
		c.HTTPClient = idp.Client()
		if change != nil {
			change(c)
		}
	}, idp)
}

func newWebOn(t *testing.T, change func(*core.Config), idp *oidctest.Provider) *web {
	t.Helper()
	w := &web{t: t, idp: idp}
	w.idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{webURL + "/auth/v2/callback"},
	})
	w.cfg = w.idp.Config()
	w.cfg.PublicURL, w.cfg.Sessions, w.cfg.Store = webURL, &core.SessionConfig{}, store.NewMemory()
	w.cfg.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&w.cfg)
	}
	w.serve()
	return w
}

// inBothModes runs a test without a broker and with one.
func inBothModes(t *testing.T, test func(t *testing.T, mode func(*core.Config))) {
	t.Run("passthrough", func(t *testing.T) { test(t, func(*core.Config) {}) })
	t.Run("broker", func(t *testing.T) {
		test(t, func(c *core.Config) { c.Broker = &core.BrokerConfig{SigningAlgorithm: "EdDSA"} })
	})
}

func (w *web) serve() {
	w.t.Helper()
	auth, err := core.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = auth.Close() })
	w.auth, w.mux = auth, http.NewServeMux()
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, route := range routes {
		w.mux.Handle(route.Method+" "+route.Path, route)
	}
	who := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(out, core.IDTokenFrom(r.Context()).Subject()+" "+core.SessionFrom(r.Context()).ID())
	})
	w.mux.Handle("/page", auth.Required().Middleware(who))
	w.mux.Handle("/open", auth.Optional().Middleware(who))
	w.mux.Handle("/strict", auth.Optional(core.RejectInvalid).Middleware(who))
	w.mux.Handle("/admin", auth.Required(core.Roles("admin")).Middleware(who))
	w.mux.Handle("/api", auth.Required(core.BearerOnly).Middleware(who))
	w.mux.Handle("/quiet", auth.Required(core.NoRedirect).Middleware(who))
}

// browser keeps cookies as a browser does.
type browser struct {
	*web
	jar map[string]string
}

func (w *web) browser() *browser { return &browser{web: w, jar: map[string]string{}} }

// navigation is what a browser sends when a person goes to an address.
var navigation = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none", "Accept: text/html,*/*;q=0.8"}

// script is what it sends for a script of the application.
var script = []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin", "Accept: */*"}

// do makes a request, with headers like "Name: value", and takes the answer's cookies.
func (b *browser) do(method, target string, headers ...string) *http.Response {
	b.t.Helper()
	request := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Form" {
			request = httptest.NewRequest(method, target, strings.NewReader(value))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			continue
		}
		request.Header.Add(name, value)
	}
	names := make([]string, 0, len(b.jar))
	for name := range b.jar {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		request.AddCookie(&http.Cookie{Name: name, Value: b.jar[name]})
	}
	recorder := httptest.NewRecorder()
	b.mux.ServeHTTP(recorder, request)
	answer := recorder.Result()
	for _, cookie := range answer.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.jar, cookie.Name)
		} else {
			b.jar[cookie.Name] = cookie.Value
		}
	}
	return answer
}

// providerOf returns the provider at which a login's address is, nil for any other address.
func (w *web) providerOf(address string) *oidctest.Provider {
	for _, idp := range append([]*oidctest.Provider{w.idp}, w.others...) {
		if strings.HasPrefix(address, idp.URL(oidctest.Authorization)) {
			return idp
		}
	}
	return nil
}

// visit follows redirects of the application and of the provider, where user logs in, and returns the last answer with its path.
func (b *browser) visit(target, user string) (*http.Response, string) {
	b.t.Helper()
	for range 10 {
		answer := b.do(http.MethodGet, target, navigation...)
		location := answer.Header.Get("Location")
		switch {
		case location == "":
			return answer, target
		case b.providerOf(location) != nil:
			back, err := b.providerOf(location).Approve(location, user)
			if err != nil {
				b.t.Fatal(err)
			}
			location = back.String()
		}
		own, found := strings.CutPrefix(location, webURL)
		if !found {
			return answer, location
		}
		target = own
	}
	b.t.Fatal("the browser goes round in circles")
	return nil, ""
}

// logIn opens /page and logs in.
func (b *browser) logIn(user string) {
	b.t.Helper()
	answer, at := b.visit("/page", user)
	if text := body(answer); answer.StatusCode != http.StatusOK || at != "/page" || !strings.HasPrefix(text, user+" ") {
		b.t.Fatalf("the login ends at %s with %d %s", at, answer.StatusCode, text)
	}
}

func body(answer *http.Response) string {
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// sessionCookie is the cookie's name and value.
func (b *browser) sessionCookie() (name, value string) {
	for name, value := range b.jar {
		if strings.HasPrefix(name, "__Host-oidc-session") && !strings.HasSuffix(name, "-logins") {
			return name, value
		}
	}
	return "", ""
}

// payloadOf are the claims of a token, without a check.
func payloadOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	claims := map[string]any{}
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(text, &claims)
	}
	return claims
}
