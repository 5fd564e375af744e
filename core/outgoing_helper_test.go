package core_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// orders is the service that the tests call.
const orders = "https://orders.example.org"

// serviceClient is the client of the tests, which may have tokens for orders.
func serviceClient() oidctest.Client {
	return oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, Targets: []string{orders, orders + "/v1", "stock"},
		RedirectURIs: []string{webURL + "/auth/v2/callback"},
	}
}

// caller is a service that calls another one, both in memory.
type callerService struct {
	t      *testing.T
	idp    *oidctest.Provider
	auth   *core.Auth
	target *recordedTarget
	logs   lockedBuffer
}

// newCaller makes one.
func newCaller(t *testing.T, change func(*core.Config), options ...oidctest.Option) *callerService {
	t.Helper()
	s := &callerService{t: t, target: &recordedTarget{}}
	s.idp = oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256")}, options...)...)
	s.idp.AddClient(serviceClient())
	cfg := s.idp.Config()
	cfg.HTTPClient = s.idp.Client()
	cfg.Logger = slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&cfg)
	}
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.auth = auth
	t.Cleanup(func() { _ = auth.Close() })
	return s
}

// as is the context of a request with a bearer token.
func (s *callerService) as(token string) context.Context {
	s.t.Helper()
	decision := s.auth.Required().Admit(s.t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token}}})
	if decision.Err != nil {
		s.t.Fatal(decision.Err)
	}
	return decision.Context(s.t.Context())
}

// get calls the target and returns the status and the bearer token that it got; 0 for an error.
func (s *callerService) get(ctx context.Context, as core.As, address string) (int, string, error) {
	s.t.Helper()
	return s.do(s.auth.Client(ctx, as.Via(s.target)), http.MethodGet, address, nil)
}

func (s *callerService) do(client *http.Client, method, address string, body io.Reader) (int, string, error) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	_ = answer.Body.Close()
	return answer.StatusCode, s.target.last(), nil
}

// must is get for a call that succeeds.
func (s *callerService) must(ctx context.Context, as core.As) string {
	s.t.Helper()
	status, token, err := s.get(ctx, as, orders+"/list")
	if err != nil || status != http.StatusOK || token == "" {
		s.t.Fatalf("%d with token %.12q: %v", status, token, err)
	}
	return token
}

// answered returns what a route answers for an error, which must contain no token.
func (s *callerService) answered(err error) *core.Response {
	s.t.Helper()
	return s.auth.Answer(s.t.Context(), core.Credentials{}, err)
}

// published returns the public keys of the service.
func (s *callerService) published() []byte {
	s.t.Helper()
	routes, err := s.auth.Routes(core.Paths{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, route := range routes {
		if strings.Contains(route.Path, "client-keys") {
			return route.Serve(s.t.Context(), &core.Request{Method: http.MethodGet, Target: route.Path}).Body
		}
	}
	s.t.Fatal("no route for the keys of the client")
	return nil
}

// recordedTarget is a transport that records what it gets.
type recordedTarget struct {
	mu     sync.Mutex
	got    []*http.Request
	answer func(*http.Request) *http.Response // nil: 200
}

func (r *recordedTarget) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		_, _ = io.Copy(io.Discard, request.Body)
		_ = request.Body.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, request)
	if r.answer != nil {
		return r.answer(request), nil
	}
	return reply(request, http.StatusOK, ""), nil
}

func reply(request *http.Request, status int, location string) *http.Response {
	answer := &http.Response{StatusCode: status, Proto: "HTTP/1.1", Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: request}
	if location != "" {
		answer.Header.Set("Location", location)
	}
	return answer
}

func (r *recordedTarget) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		return ""
	}
	return strings.TrimPrefix(r.got[len(r.got)-1].Header.Get("Authorization"), "Bearer ")
}

func (r *recordedTarget) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// lives are lifetimes with access tokens of this one.
func lives(access time.Duration) oidctest.Option {
	return oidctest.WithLifetimes(oidctest.Lifetimes{AccessToken: access, RefreshToken: 400 * 24 * time.Hour})
}
