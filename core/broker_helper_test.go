package core_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const brokerIssuer = "http://localhost:8080/api"

// brokered enables broker mode with a store in memory, and applies changes. Own tokens have the algorithm that costs least; tests of
// the default, and of what RSA keys can do, set another.
func brokered(changes ...func(*core.Config)) func(*core.Config) {
	return func(config *core.Config) {
		config.Broker, config.Store = &core.BrokerConfig{SigningAlgorithm: "EdDSA"}, store.NewMemory()
		for _, change := range changes {
			change(config)
		}
	}
}

// admit passes a token to a guard.
func (f *flowService) admit(token string, requirements ...core.Requirement) (*core.IDToken, error) {
	return decide(f.t.Context(), f.auth.Required(requirements...), []string{"Bearer " + token})
}

// who returns the caller of a token, which the guard must admit.
func (f *flowService) who(token string) *core.IDToken {
	f.t.Helper()
	caller, err := f.admit(token)
	if err != nil {
		f.t.Fatal(err)
	}
	return caller
}

func (f *flowService) refresh(token string) *core.Response {
	f.t.Helper()
	return f.post("token", url.Values{"refresh-token": {token}})
}

// exchange posts a token exchange with additional fields.
func (f *flowService) exchange(subject string, fields url.Values) *core.Response {
	f.t.Helper()
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject}}
	for name, values := range fields {
		form[name] = values
	}
	return f.post("token", form)
}

const sessionGone = "Session expired or not found. Please re-authenticate."

const bubbleIssuer = "https://app.example/api"

// sharedKey returns one RSA key for all tests that need any key.
var sharedKey = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(2048) })

func mustRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// importing imports the shared key, which signs if the store is empty, with the default algorithm.
func importing(c *core.Config) { c.Broker.SigningAlgorithm, c.Broker.ImportKey = "", sharedPEM() }

func sharedPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(sharedKey())})
}

// brokerBubble has a provider without a network and services in broker mode, on the clock of the test's bubble.
type brokerBubble struct {
	*memoryIDP
	store *flawedStore

	mu      sync.Mutex
	current string        // the provider's latest refresh token
	extra   claims        // added to the next answers; nil removes a member
	idToken func() string // nil: a valid one; "": none
	user    claims        // added to the tokens
}

func newBubble(t testing.TB) *brokerBubble {
	b := &brokerBubble{memoryIDP: newIDPWith(t, oidctest.WithoutDeviceFlow(), oidctest.WithoutEndSession()), store: &flawedStore{Store: store.NewMemory()}}
	b.AddUser(oidctest.User{Name: "alice", Claims: claims{"email": "alice@example.org"}})
	b.Fault(oidctest.UserInfo, oidctest.Reply(404, "application/json", `{}`))
	b.Tamper(oidctest.AccessTokens, func(token claims) {
		token["email"] = nil
		b.set(func() { maps.Copy(token, b.user) })
	})
	b.Tamper(oidctest.IDTokens, func(token claims) { b.set(func() { maps.Copy(token, b.user) }) })
	b.Tamper(oidctest.TokenAnswers, func(answer claims) {
		b.set(func() {
			b.current, _ = answer["refresh_token"].(string)
			if b.idToken != nil {
				answer["id_token"] = b.idToken()
			}
			for name, value := range b.extra {
				if answer[name] = value; value == nil {
					delete(answer, name)
				}
			}
		})
	})
	return b
}

func (b *brokerBubble) set(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

// wasRevoked reports whether a token was revoked at the provider.
func (b *brokerBubble) wasRevoked(token string) bool {
	return slices.ContainsFunc(b.Asked(oidctest.Revocation), func(asked oidctest.Recorded) bool { return asked.Form.Get("token") == token })
}

// sentTwice returns a refresh token that the provider got more than once, "" if there is none.
func (b *brokerBubble) sentTwice() string {
	seen := map[string]bool{}
	for _, asked := range b.Asked(oidctest.Token) {
		token := asked.Form.Get("refresh_token")
		if token != "" && seen[token] {
			return token
		}
		seen[token] = true
	}
	return ""
}

// serve makes another service with the store of the bubble.
func (b *brokerBubble) serve(changes ...func(*core.Config)) *flowService {
	b.t.Helper()
	first := func(config *core.Config) {
		config.Store = b.store
	}
	return b.over(b, append([]func(*core.Config){first}, changes...)...)
}

// over makes a service in broker mode that calls the provider through the test's transport.
func (b *brokerBubble) over(way http.RoundTripper, changes ...func(*core.Config)) *flowService {
	b.t.Helper()
	f := flowServe(b.t, b.config(), way, brokered(changes...))
	f.idp = b.Provider
	return f
}

// begin logs alice in with a verifier of the client.
func (f *flowService) begin() *core.Response {
	f.t.Helper()
	return f.post("token", f.granted())
}

// granted returns the token request of a client with its own verifier, after a login of alice.
func (f *flowService) granted() url.Values {
	f.t.Helper()
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	target, err := url.Parse(f.idp.URL(oidctest.Authorization) + "?" + url.Values{
		"client_id": {clientID}, "redirect_uri": {flowRedirect}, "response_type": {"code"}, "scope": {"openid email"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode())
	if err != nil {
		f.t.Fatal(err)
	}
	return url.Values{"code": {f.approve(target, "alice").Get("code")}, "code_verifier": {verifier}, "redirect_uri": {flowRedirect}}
}

func (f *flowService) begun() core.Token {
	f.t.Helper()
	return flowGranted(f.t, f.begin())
}

// rsaToken signs a token like a Python service or a peer.
func rsaToken(t testing.TB, key *rsa.PrivateKey, kid string, payload claims) string {
	t.Helper()
	return rsaSigned(t, key, claims{"alg": "RS256", "kid": kid, "typ": "JWT"}, payload)
}

func rsaSigned(t testing.TB, key *rsa.PrivateKey, header, payload claims) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(toJSON(header))) + "." + base64.RawURLEncoding.EncodeToString([]byte(toJSON(payload)))
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// kidOf returns the kid of a key by the rule of the Python library.
func kidOf(key *rsa.PrivateKey) string {
	info, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(info)
	return hex.EncodeToString(sum[:])[:16]
}

// pythonClaims returns the claims of a token of the Python library, with some replaced; nil removes a claim.
func pythonClaims(issuer, audience string, changes ...claims) claims {
	now := time.Now().Unix()
	all := claims{
		"sub": "alice", "preferred_username": "alice", "email": nil, "roles": []string{"user", "admin"}, "jti": "0f0e0d0c-0b0a-4908-8706-050403020100",
		"iss": issuer, "aud": audience, "iat": now, "exp": now + 3600,
	}
	for _, change := range changes {
		for name, value := range change {
			if all[name] = value; value == nil && name != "email" {
				delete(all, name)
			}
		}
	}
	return all
}

// status returns a guard's status for a token.
func (f *flowService) status(token string) int {
	f.t.Helper()
	caller, err := f.admit(token)
	return statusOf(f.t, caller, err)
}

// flawedStore is a store with single calls that fail.
type flawedStore struct {
	store.Store
	mu    sync.Mutex
	calls map[string]int
	flaw  func(ctx context.Context, method string, call int) error // before the call; call is 1 for the first one after the flaw was set
	after func(method string, call int) error                      // after the call, which was done
}

var errStore = errors.New("the store is out of reach")

func (s *flawedStore) breaks(flaw func(ctx context.Context, method string, call int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flaw, s.after, s.calls = flaw, nil, map[string]int{}
}

// down makes every call fail; false heals it.
func (s *flawedStore) down(is bool) {
	if !is {
		s.breaks(nil)
		return
	}
	s.breaks(func(context.Context, string, int) error { return errStore })
}

// failing makes a flaw of one method.
func failing(method string) func(context.Context, string, int) error {
	return func(_ context.Context, called string, _ int) error {
		if called == method {
			return errStore
		}
		return nil
	}
}

func (s *flawedStore) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *flawedStore) do(ctx context.Context, method string, call func() error) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[method]++
	flaw, after, n := s.flaw, s.after, s.calls[method]
	s.mu.Unlock()
	if flaw != nil {
		if err := flaw(ctx, method, n); err != nil {
			return err
		}
	}
	if err := call(); err != nil {
		return err
	}
	if after != nil {
		return after(method, n)
	}
	return nil
}

func (s *flawedStore) Init(ctx context.Context) error {
	return s.do(ctx, "Init", func() error { return s.Store.Init(ctx) })
}

func (s *flawedStore) AddKey(ctx context.Context, key store.Key) error {
	return s.do(ctx, "AddKey", func() error { return s.Store.AddKey(ctx, key) })
}

func (s *flawedStore) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.do(ctx, "RetireKey", func() error { return s.Store.RetireKey(ctx, generation, until) })
}

func (s *flawedStore) Keys(ctx context.Context) (keys []store.Key, err error) {
	err = s.do(ctx, "Keys", func() error { keys, err = s.Store.Keys(ctx); return err })
	return keys, err
}

func (s *flawedStore) PutSession(ctx context.Context, session store.Session) error {
	return s.do(ctx, "PutSession", func() error { return s.Store.PutSession(ctx, session) })
}

func (s *flawedStore) Session(ctx context.Context, id string, now time.Time) (session store.Session, err error) {
	err = s.do(ctx, "Session", func() error { session, err = s.Store.Session(ctx, id, now); return err })
	return session, err
}

func (s *flawedStore) Swap(ctx context.Context, session store.Session) error {
	return s.do(ctx, "Swap", func() error { return s.Store.Swap(ctx, session) })
}

func (s *flawedStore) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	return s.do(ctx, "Touch", func() error { return s.Store.Touch(ctx, id, seen, idle) })
}

func (s *flawedStore) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) (list []store.Session, err error) {
	err = s.do(ctx, "SessionsOf", func() error { list, err = s.Store.SessionsOf(ctx, of, now, limit); return err })
	return list, err
}

func (s *flawedStore) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return s.do(ctx, "Revoke", func() error { return s.Store.Revoke(ctx, id, version, now, until) })
}

func (s *flawedStore) Revoked(ctx context.Context, since, now time.Time) (list []store.Revocation, err error) {
	err = s.do(ctx, "Revoked", func() error { list, err = s.Store.Revoked(ctx, since, now); return err })
	return list, err
}

func (s *flawedStore) Purge(ctx context.Context, now time.Time) (n int, err error) {
	err = s.do(ctx, "Purge", func() error { n, err = s.Store.Purge(ctx, now); return err })
	return n, err
}
