package core_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	flowRedirect    = "http://localhost:53100/callback" // of the Python client
	flowOwnCallback = "http://localhost:8080/api/auth/v2/callback"
)

// flowService is a service with its routes. It searches every refusal, and at the end the whole log, for secrets and for texts
// of the provider.
type flowService struct {
	t       testing.TB
	idp     *oidctest.Provider // nil over a fuzzed one
	auth    *core.Auth
	routes  map[string]core.Route
	traffic *flowTraffic
}

// newFlow makes a service with its own provider.
func newFlow(t testing.TB, change func(*core.Config), options ...oidctest.Option) *flowService {
	t.Helper()
	idp := oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, options...)...)
	return flowOver(t, idp, change)
}

// flowOver makes another service with an existing provider.
func flowOver(t testing.TB, idp *oidctest.Provider, change func(*core.Config)) *flowService {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	f := flowServe(t, idp.Config(), transport, change)
	f.idp = idp
	return f
}

// flowMemory changes the behaviour of a provider in memory.
type flowMemory struct {
	issuer   string // "": https://idp.test
	down     bool   // until it is healed
	metadata map[string]any
	token    func(url.Values) (status int, body string) // nil: every code and every refresh token is refused
}

// flowInMemory makes a service with a provider without a network, on the clock of a synctest bubble. The provider has only the
// endpoints of a login.
func flowInMemory(t testing.TB, memory *flowMemory, change func(*core.Config)) *flowService {
	t.Helper()
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork(cmp.Or(memory.issuer, "https://idp.test")), oidctest.WithAlgorithm("ES256"), oidctest.WithoutIssParameter(),
		oidctest.WithoutDeviceFlow(), oidctest.WithoutUserInfo(), oidctest.WithoutRevocation(), oidctest.WithoutEndSession())
	idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { maps.Copy(document, memory.metadata) })
	if memory.token != nil {
		idp.Fault(oidctest.Token, oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			status, body := memory.token(r.PostForm)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
	}
	for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS, oidctest.Token} {
		if memory.down {
			idp.Fault(endpoint, oidctest.Refused())
		}
	}
	config := idp.Config()
	config.SecretKeys = []string{"a key for these tests, thirty-two bytes"}
	f := flowServe(t, config, idp.Client().Transport, change)
	f.idp = idp
	return f
}

func flowServe(t testing.TB, config core.Config, base http.RoundTripper, change func(*core.Config)) *flowService {
	t.Helper()
	f := &flowService{t: t, traffic: &flowTraffic{base: base, calls: map[string]int{}}, routes: map[string]core.Route{}}
	config.HTTPClient = &http.Client{Transport: f.traffic}
	config.Logger = slog.New(slog.NewTextHandler(&f.traffic.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&config)
	}
	f.traffic.keep(config.ClientSecret)
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	f.auth = auth
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		f.routes[keyOfRoute(route)] = route
	}
	t.Cleanup(func() {
		_ = auth.Close()
		f.traffic.clean(t, "the log", f.traffic.logs.String())
	})
	return f
}

// get asks a route; headers are "Name: value".
func (f *flowService) get(route string, query url.Values, headers ...string) *core.Response {
	return f.getRaw(route, query.Encode(), headers...)
}

func (f *flowService) getRaw(route, query string, headers ...string) *core.Response {
	f.t.Helper()
	return f.serve(route, core.ParseRequest(http.MethodGet, "", query, flowHeader(headers), nil))
}

func (f *flowService) post(route string, form url.Values, headers ...string) *core.Response {
	f.t.Helper()
	return f.postRaw(route, form.Encode(), headers...)
}

func (f *flowService) postRaw(route, body string, headers ...string) *core.Response {
	f.t.Helper()
	header := flowHeader(append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...))
	return f.serve(route, core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(body)))
}

func (f *flowService) serve(route string, request *core.Request) *core.Response {
	f.t.Helper()
	at, ok := f.routes[request.Method+" "+route]
	if !ok {
		at = f.routes[route]
	}
	answer := at.Serve(f.t.Context(), request)
	f.check(route, answer)
	return answer
}

// keyOfRoute is the name of a route, with its method where it is the second of its path.
func keyOfRoute(route core.Route) string {
	if (route.Name == "logout" || route.Name == "callback") && route.Method == http.MethodPost {
		return "POST " + route.Name
	}
	return route.Name
}

// check searches a refusal for secrets and for texts of the provider.
func (f *flowService) check(what string, answer *core.Response) {
	f.t.Helper()
	if answer.Status >= 400 {
		header, _ := json.Marshal(answer.Header)
		f.traffic.clean(f.t, "a refusal of "+what, string(answer.Body)+string(header))
	}
}

func flowHeader(lines []string) http.Header {
	header := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	return header
}

// login starts a login, which must succeed, and returns the URL to which the browser is sent.
func (f *flowService) login(query url.Values, headers ...string) (*url.URL, *core.Response) {
	f.t.Helper()
	answer := f.get("login", query, headers...)
	if answer.Status != http.StatusFound || len(answer.Body) > 0 {
		f.t.Fatalf("login: %d %s", answer.Status, answer.Body)
	}
	target, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		f.t.Fatal(err)
	}
	return target, answer
}

// approve lets a user log in at the provider and returns the query that the browser brings back.
func (f *flowService) approve(target *url.URL, user string) url.Values {
	f.t.Helper()
	back, err := f.idp.Approve(target.String(), user)
	if err != nil {
		f.t.Fatal(err)
	}
	return back.Query()
}

// browser logs a user in up to the callback: its query, and the Cookie header.
func (f *flowService) browser(user string) (url.Values, string) {
	f.t.Helper()
	target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
	return f.approve(target, user), "Cookie: " + flowCookie(f.t, answer)
}

// loopback logs a user in as the Python client does, up to the form of the token route.
func (f *flowService) loopback(user string) url.Values {
	f.t.Helper()
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	back := f.approve(target, user)
	return url.Values{"code": {back.Get("code")}, "redirect_uri": {flowRedirect}, "grant_type": {"authorization_code"}, "code_verifier": {back.Get("state")}}
}

// tokens logs a user in and returns the tokens.
func (f *flowService) tokens(user string) core.Token {
	f.t.Helper()
	return flowGranted(f.t, f.post("token", f.loopback(user)))
}

// hits returns the number of requests to the provider's token endpoint.
func (f *flowService) hits() int { return f.traffic.count("/token") }

// flowCookie returns "name=value" of the only cookie that an answer sets, apart from those that it deletes.
func flowCookie(t testing.TB, answer *core.Response) string {
	t.Helper()
	var set []string
	for _, cookie := range (&http.Response{Header: answer.Header}).Cookies() {
		if cookie.MaxAge > 0 {
			set = append(set, cookie.Name+"="+cookie.Value)
		}
	}
	if len(set) != 1 {
		t.Fatalf("%d cookies are set: %v", len(set), answer.Header)
	}
	return set[0]
}

// flowGranted returns the token of a 200, and checks that no cache may store the answer.
func flowGranted(t testing.TB, answer *core.Response) core.Token {
	t.Helper()
	if answer.Status != http.StatusOK {
		t.Fatalf("no token: %d %s", answer.Status, answer.Body)
	}
	flowNoStore(t, answer)
	var token core.Token
	if err := json.Unmarshal(answer.Body, &token); err != nil {
		t.Fatal(err)
	}
	return token
}

// flowNoStore checks that no cache may store an answer.
func flowNoStore(t testing.TB, answer *core.Response) {
	t.Helper()
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Pragma") != "no-cache" || answer.Header.Get("Etag") != "" {
		t.Errorf("the answer may be stored: %v", answer.Header)
	}
}

// flowRefused checks a whole refusal; code "" means a temporary failure.
func flowRefused(t testing.TB, what string, answer *core.Response, status int, code, detail string) {
	t.Helper()
	want := map[string]string{"detail": detail}
	if code != "" {
		want["error"], want["error_description"] = code, detail
	}
	var got map[string]string
	if err := json.Unmarshal(answer.Body, &got); err != nil || answer.Status != status || !maps.Equal(got, want) {
		t.Errorf("%s: got %d %s, want %d %v", what, answer.Status, answer.Body, status, want)
	}
	if answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %v", what, answer.Header)
	}
	flowNoStore(t, answer)
}

const flowBadState = "The login state is not valid: begin the login again."

// flowTraffic is the transport to the provider: it counts calls, and records every secret in them.
type flowTraffic struct {
	base   http.RoundTripper
	before func(*http.Request) // may be nil
	logs   lockedBuffer

	mu      sync.Mutex
	calls   map[string]int // by path
	secrets []string
}

func (f *flowTraffic) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

func (f *flowTraffic) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for _, calls := range f.calls {
		sum += calls
	}
	return sum
}

// keep records secrets, except short ones, which could be in other texts by chance.
func (f *flowTraffic) keep(secrets ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) >= 12 && len(f.secrets) < 1000 {
			f.secrets = append(f.secrets, secret)
		}
	}
}

func (f *flowTraffic) clean(t testing.TB, what, text string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range append(f.secrets, "upstream-secret") {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds %.12q…: %.300s", what, secret, text)
		}
	}
}

func (f *flowTraffic) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		text, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(text))
		form, _ := url.ParseQuery(string(text))
		for _, name := range []string{"code", "code_verifier", "refresh_token", "device_code", "token", "client_assertion"} {
			f.keep(form[name]...)
		}
	}
	f.mu.Lock()
	f.calls[request.URL.Path]++
	f.mu.Unlock()
	if f.before != nil {
		f.before(request)
	}
	response, err := f.base.RoundTrip(request)
	if err == nil {
		response.Body = &flowBody{ReadCloser: response.Body, traffic: f}
	}
	return response, err
}

// flowBody records the secrets of an answer when it has been read.
type flowBody struct {
	io.ReadCloser
	traffic *flowTraffic
	text    []byte
}

func (b *flowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.text = append(b.text, p[:n]...); err == io.EOF {
		var members map[string]any
		_ = json.Unmarshal(b.text, &members) // what is no JSON object has no members
		for _, name := range []string{"access_token", "id_token", "refresh_token", "device_code"} {
			text, _ := members[name].(string)
			b.traffic.keep(text)
		}
	}
	return n, err
}
