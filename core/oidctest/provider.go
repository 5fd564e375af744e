package oidctest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Claims are the claims of a token, or the members of an answer.
type Claims = map[string]any

// Provider is an OpenID provider on loopback, or in memory. Safe for concurrent use.
type Provider struct {
	set     settings
	handler http.Handler
	server  *httptest.Server // nil without a network
	issuer  string
	closed  chan struct{} // ends requests that a fault lets hang

	mu       sync.Mutex // guards what follows
	skew     time.Duration
	keys     keyRing
	users    []User
	clients  map[string]Client
	codes    *bounded[codeGrant]
	families *bounded[*family] // by refresh token, spent ones too
	access   *bounded[*accessGrant]
	devices  *bounded[*deviceGrant]
	faults   map[Endpoint]Fault
	tampers  map[Target]func(Claims)
	hits     map[Endpoint]int
	asked    map[Endpoint][]Recorded
}

// NewProvider starts a provider that ends with the test. A fault at the start fails the test.
func NewProvider(t testing.TB, options ...Option) *Provider {
	t.Helper()
	p, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Start starts a provider for programs that are no tests; Close ends it. The error is that of an option, or of the
// listener; an address beyond loopback is refused.
func Start(options ...Option) (*Provider, error) {
	p := &Provider{
		set: defaults(), closed: make(chan struct{}), users: builtinUsers(),
		codes: newBounded[codeGrant](), families: newBounded[*family](), access: newBounded[*accessGrant](), devices: newBounded[*deviceGrant](),
		faults: make(map[Endpoint]Fault), tampers: make(map[Target]func(Claims)), hits: make(map[Endpoint]int), asked: make(map[Endpoint][]Recorded),
	}
	p.clients = builtinClients()
	for _, option := range options {
		option(&p.set)
	}
	if p.set.issuer != "" {
		if err := p.name(p.set.issuer); err != nil {
			return nil, err
		}
	}
	if !isIssuerPath(p.set.path) {
		return nil, errors.New("oidctest: a path is empty, or begins with / and has letters, digits, - and _ between single slashes")
	}
	p.handler = p.routes()
	if p.set.issuer != "" {
		if err := errors.Join(p.load(), p.save()); err != nil {
			return nil, err
		}
		return p, nil
	}
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// name takes the name of a provider without a network.
func (p *Provider) name(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host+u.Path != issuer {
		return errors.New("oidctest: an issuer is an http or https URL of host and path alone")
	}
	p.issuer, p.set.path = issuer, u.Path
	return nil
}

// listen starts the server.
func (p *Provider) listen() error {
	listener, err := listen(p.set.address)
	if err != nil {
		return err
	}
	if err := errors.Join(p.load(), p.save()); err != nil {
		_ = listener.Close()
		return err
	}
	p.server = httptest.NewUnstartedServer(p.handler)
	_ = p.server.Listener.Close()
	p.server.Listener = listener
	p.server.Config.ReadHeaderTimeout = 10 * time.Second
	p.issuer = "http://" + listener.Addr().String() + p.set.path
	p.server.Start()
	return nil
}

func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("oidctest: address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("oidctest: the provider listens on loopback only")
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it listens at once
	if err != nil {
		return nil, fmt.Errorf("oidctest: %w", err)
	}
	return listener, nil
}

// Close ends the provider and every request that hangs in it. It may be called again.
func (p *Provider) Close() error {
	p.mu.Lock()
	select {
	case <-p.closed:
		p.mu.Unlock()
		return nil
	default:
		close(p.closed)
	}
	p.mu.Unlock()
	if p.server != nil {
		p.server.CloseClientConnections()
		p.server.Close()
	}
	return p.save()
}

// Issuer returns the provider's name, which is also where it listens if it does.
func (p *Provider) Issuer() string { return p.issuer }

// DiscoveryURL returns the address of the discovery document.
func (p *Provider) DiscoveryURL() string { return p.issuer + "/.well-known/openid-configuration" }

// now is the provider's clock; mu is held or not.
func (p *Provider) now() time.Time {
	return p.set.clock().Add(p.skew)
}

// Advance moves the provider's clock forward: codes and tokens expire without a wait.
func (p *Provider) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew += d
}

// RotateKey makes a new signing key of the algorithm, "" for the one in use. The 15 keys before it stay published until
// DropOldKeys. The error says that the algorithm is none.
func (p *Provider) RotateKey(algorithm string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if algorithm == "" {
		algorithm = p.keys.current().Alg
	}
	return p.keys.rotate("", algorithm)
}

// DropOldKeys withdraws every key but the one in use from the published set.
func (p *Provider) DropOldKeys() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys.drop()
}

// routes is the provider's route table; every endpoint goes through its fault and is counted.
func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	pages := http.NewCrossOriginProtection() // no other site presses a button here
	for _, route := range []struct {
		pattern  string
		endpoint Endpoint
		handler  http.HandlerFunc
		off      bool
	}{
		{"GET /.well-known/openid-configuration", Discovery, p.discovery, false},
		{"GET /jwks", JWKS, p.jwks, false},
		{"GET /authorize", Authorization, p.authorizePage, false},
		{"POST /authorize", Authorization, p.authorize, false},
		{"POST /token", Token, p.token, false},
		{"GET /userinfo", UserInfo, p.userInfo, p.set.noUserInfo},
		{"POST /userinfo", UserInfo, p.userInfo, p.set.noUserInfo},
		{"POST /device_authorization", Device, p.deviceStart, p.set.noDevice},
		{"GET /device", DevicePage, p.devicePage, p.set.noDevice},
		{"POST /device", DevicePage, p.deviceAnswer, p.set.noDevice},
		{"POST /introspect", Introspection, p.introspect, false},
		{"POST /revoke", Revocation, p.revoke, p.set.noRevocation},
		{"GET /logout", EndSession, p.endSession, p.set.noEndSession},
		{"POST /logout", EndSession, p.endSession, p.set.noEndSession},
		{"GET /elsewhere", Elsewhere, http.NotFound, false},
		{"POST /elsewhere", Elsewhere, http.NotFound, false},
	} {
		if route.off {
			continue
		}
		handler := p.observe(route.endpoint, route.handler)
		if route.endpoint == Authorization || route.endpoint == DevicePage {
			handler = pages.Handler(handler)
		}
		method, path, _ := strings.Cut(route.pattern, " ")
		mux.Handle(method+" "+p.set.path+path, handler)
	}
	return mux
}

// URL returns the address of an endpoint.
func (p *Provider) URL(endpoint Endpoint) string { return p.issuer + paths[endpoint] }

func isIssuerPath(path string) bool {
	return path == "" || strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/") && !strings.Contains(path, "//") &&
		strings.IndexFunc(path, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_", r))
		}) < 0
}

// Recorded is what an endpoint was last asked.
type Recorded struct {
	Method string
	Header http.Header
	Query  url.Values
	Form   url.Values // of the body
}

// maxForm bounds request bodies, in bytes.
const maxForm = 256 << 10

func (p *Provider) observe(endpoint Endpoint, handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		_ = r.ParseForm() // what does not parse is missing
		p.mu.Lock()
		p.hits[endpoint]++
		p.record(endpoint, Recorded{Method: r.Method, Header: r.Header.Clone(), Query: r.URL.Query(), Form: cloneValues(r.PostForm)})
		fault := p.fault(endpoint)
		p.mu.Unlock()
		switch {
		case !p.isOwnHost(r.Host): // a name that somebody points to loopback
			http.Error(w, "not this provider's address", http.StatusMisdirectedRequest)
		case fault.serve != nil:
			fault.serve(p, w, r, handler)
		default:
			handler(w, r)
		}
		if (endpoint == Token || endpoint == Revocation || endpoint == EndSession) && p.save() != nil {
			panic(http.ErrAbortHandler) // what cannot be kept is not given
		}
	})
}

func (p *Provider) isOwnHost(host string) bool {
	if p.set.issuer != "" {
		_, own, _ := strings.Cut(strings.TrimSuffix(p.issuer, p.set.path), "://")
		return host == own
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// repeats reports a parameter that is given twice (RFC 6749 section 3.1).
func repeats(values url.Values) bool {
	for _, list := range values {
		if len(list) > 1 {
			return true
		}
	}
	return false
}

func cloneValues(values url.Values) url.Values {
	out := make(url.Values, len(values))
	for name, list := range values {
		out[name] = slices.Clone(list)
	}
	return out
}

// Hits returns how often an endpoint was asked.
func (p *Provider) Hits(endpoint Endpoint) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[endpoint]
}

// Last returns what an endpoint was last asked; the zero value when it never was.
func (p *Provider) Last(endpoint Endpoint) Recorded {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.asked[endpoint]
	if len(all) == 0 {
		return Recorded{}
	}
	return all[len(all)-1]
}

// Asked returns what an endpoint was asked, the oldest request first, at most the last 100.
func (p *Provider) Asked(endpoint Endpoint) []Recorded {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked[endpoint])
}

// maxRecorded bounds what is kept of each endpoint's requests.
const maxRecorded = 100

// record keeps a request; mu is held.
func (p *Provider) record(endpoint Endpoint, request Recorded) {
	all := append(p.asked[endpoint], request)
	p.asked[endpoint] = all[max(0, len(all)-maxRecorded):]
}
