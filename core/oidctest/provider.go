package oidctest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Claims contains the claims of a token or the members of a JSON response.
type Claims = map[string]any

// Provider is an OpenID provider on loopback, or in memory. Make one with [NewProvider] or [Start]. Safe for concurrent use.
type Provider struct {
	set     settings
	handler http.Handler
	server  *httptest.Server // nil without a network
	issuer  string
	closed  chan struct{}               // ends requests that hang because of a fault
	pages   *http.CrossOriginProtection // keeps other sites from pressing a button here
	t       testing.TB                  // nil for a provider of a program

	mu         sync.Mutex // guards what follows
	skew       time.Duration
	keys       keyRing
	users      []User
	clients    map[string]Client
	codes      *bounded[codeGrant]
	families   *bounded[*family] // by refresh token, including used ones
	access     *bounded[*accessGrant]
	devices    *bounded[*deviceGrant]
	browsers   *bounded[*signedIn] // by the value of the session cookie
	asking     *bounded[*asking]   // by the secret of the form
	pushed     *bounded[*pushedRequest]
	consents   map[consent][]string
	faults     map[Endpoint]Fault
	assertions *bounded[struct{}] // that were used, by client and jti
	tampers    map[Target]func(Claims)
	hits       map[Endpoint]int
	asked      map[Endpoint][]Recorded
}

// NewProvider starts a provider and closes it at the end of the test. If it cannot start, the test fails.
func NewProvider(t testing.TB, options ...Option) *Provider {
	t.Helper()
	p, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	p.t = t
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Start starts a provider in a program that is not a test. [Provider.Close] stops it. Start returns an error for an invalid option, for an
// address that is not on loopback, if it cannot listen, and if it cannot read or write the file of [WithFile].
func Start(options ...Option) (*Provider, error) {
	p := &Provider{
		set: defaults(), closed: make(chan struct{}), pages: http.NewCrossOriginProtection(), users: builtinUsers(),
		codes: newBounded[codeGrant](), families: newBounded[*family](), access: newBounded[*accessGrant](), devices: newBounded[*deviceGrant](),
		browsers: newBounded[*signedIn](), asking: newBounded[*asking](), pushed: newBounded[*pushedRequest](), assertions: newBounded[struct{}](), consents: make(map[consent][]string),
		faults: make(map[Endpoint]Fault), tampers: make(map[Target]func(Claims)), hits: make(map[Endpoint]int), asked: make(map[Endpoint][]Recorded),
	}
	p.clients = builtinClients()
	for _, option := range options {
		option(&p.set)
	}
	if p.set.users != nil {
		p.users = nil
		for _, user := range p.set.users {
			p.AddUser(user)
		}
	}
	if p.set.clients != nil {
		clear(p.clients)
		for _, client := range p.set.clients {
			p.AddClient(client)
		}
	}
	if p.set.issuer != "" {
		if err := p.name(p.set.issuer); err != nil {
			return nil, err
		}
	}
	if !isIssuerPath(p.set.path) {
		return nil, errors.New("oidctest: a path is empty, or begins with / and has letters, digits, dots, - and _ between single slashes, with no dot after a slash")
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

// name sets the issuer of a provider without a network.
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
	listener, err := net.Listen("tcp", address) //nolint:noctx // returns at once
	if err != nil {
		return nil, fmt.Errorf("oidctest: %w", err)
	}
	return listener, nil
}

// Close stops the provider and ends all running requests. It returns the error of writing the file of [WithFile]. A second call does
// nothing and returns nil.
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

// Issuer returns the issuer, which is also the provider's address if it listens.
func (p *Provider) Issuer() string { return p.issuer }

// DiscoveryURL returns the address of the discovery document.
func (p *Provider) DiscoveryURL() string { return p.issuer + "/.well-known/openid-configuration" }

// now returns the time of the provider's clock.
func (p *Provider) now() time.Time {
	return p.set.clock().Add(p.skew)
}

// Advance moves the provider's clock forward, so that codes and tokens expire without waiting.
func (p *Provider) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew += d
}

// RotateKey replaces the signing key with a new one for an algorithm, see [WithAlgorithm]; "" means the algorithm of the current key. The
// 15 latest old keys stay in the published key set until [Provider.DropOldKeys]. It returns an error for an unknown algorithm.
func (p *Provider) RotateKey(algorithm string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if algorithm == "" {
		algorithm = p.keys.current().Alg
	}
	return p.keys.rotate("", algorithm)
}

// DropOldKeys removes all keys except the current one from the published key set, so that tokens of older keys can no longer be verified.
func (p *Provider) DropOldKeys() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys.drop()
}

func isIssuerPath(path string) bool {
	return path == "" || strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/") && !strings.Contains(path, "//") && !strings.Contains(path, "/.") &&
		strings.IndexFunc(path, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.", r))
		}) < 0
}
