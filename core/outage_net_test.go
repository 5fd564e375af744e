package core_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	outagePatience = 10 * time.Second
	devicePath     = "/realm/device"
	outageCallback = "https://app.example/api/auth/v2/callback"
)

// Faults of the contract, by what the guide calls them.
var (
	outOfReach = map[string]fault{
		"refused": refuse, "hang": hang, "drip": faults["drip"], "reset in the middle": resetInTheMiddle,
		"500": faults["500 with HTML"], "503": faults["503"], "429": tooMany,
	}
	unusable = map[string]fault{"200 HTML": faults["200 with HTML"], "truncated": says(200, "application/json", `{"issuer":"x`), "1 MB": says(200, "application/json", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), "302": faults["302"]}
)

// faultsOf are the faults of a row. What all of them lead to is tried with some of them where the mode makes no difference.
func faultsOf(how string, inBrokerMode bool) map[string]fault {
	all := maps.Clone(outOfReach)
	maps.Copy(all, unusable)
	switch {
	case how == "out of reach":
		return outOfReach
	case how == "unusable":
		return unusable
	case how != "any":
		return map[string]fault{"-": refuse}
	case inBrokerMode:
		maps.DeleteFunc(all, func(name string, _ fault) bool {
			return !slices.Contains([]string{"refused", "hang", "429", "truncated"}, name)
		})
	}
	return all
}

func tooMany(context.Context) (*http.Response, error) {
	answer := jsonAnswer(http.StatusTooManyRequests, `{"error":"`+poison+`"}`)
	answer.Header.Set("Retry-After", "3600")
	return answer, nil
}

// resetInTheMiddle ends an answer that has begun.
func resetInTheMiddle(context.Context) (*http.Response, error) {
	answer := jsonAnswer(http.StatusOK, "")
	answer.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"x":`), brokenPipe{}))
	return answer, nil
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, syscall.ECONNRESET }

// outageNet is a whole provider and a trusted service without a network, and a store, on the clock of a test's bubble. Each
// of them fails when it is told to.
type outageNet struct {
	*memoryIDP
	store *flawedStore

	mu     sync.Mutex
	nonce  string // of the login that was begun last
	posted map[string]int
}

func newOutageNet(t testing.TB) *outageNet {
	n := &outageNet{memoryIDP: newIDP(t), store: &flawedStore{Store: store.NewMemory()}, posted: map[string]int{}}
	n.metadata = claims{
		"userinfo_endpoint": "https://idp.example" + userInfoPath, "revocation_endpoint": "https://idp.example" + revocationPath,
		"device_authorization_endpoint": "https://idp.example" + devicePath,
	}
	return n
}

// RoundTrip answers what the provider in memory does not have.
func (n *outageNet) RoundTrip(r *http.Request) (*http.Response, error) {
	path := r.URL.Path
	if r.Method == http.MethodPost {
		n.mu.Lock()
		n.posted[path]++
		n.mu.Unlock()
	}
	if path == discoveryPath || path == keysPath {
		return n.memoryIDP.RoundTrip(r)
	}
	n.memoryIDP.mu.Lock()
	broken := n.faults[path]
	n.memoryIDP.mu.Unlock()
	if broken != nil {
		return broken(r.Context())
	}
	switch path {
	case tokenPath:
		return jsonAnswer(200, toJSON(n.grant())), nil
	case userInfoPath:
		return jsonAnswer(200, `{"sub":"alice","preferred_username":"alice"}`), nil
	case devicePath:
		return jsonAnswer(200, `{"device_code":"a-device-code","user_code":"ABCD","verification_uri":"https://idp.example/device","expires_in":600}`), nil
	case revocationPath:
		return jsonAnswer(200, ""), nil
	case jwksPath:
		return jsonAnswer(200, keySet(rsaJWK(otherKeys()[0], "a"))), nil
	}
	return nil, errors.New("no such address")
}

func (n *outageNet) grant() claims {
	n.mu.Lock()
	nonce := n.nonce
	n.mu.Unlock()
	return claims{
		"access_token": n.token(), "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-token-of-the-provider", "scope": "openid email",
		"id_token": n.sign("k1", `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, toJSON(goodClaims(claims{"nonce": nonce}))),
	}
}

func (n *outageNet) posts() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.posted)
}

// fails breaks a part as the contract names it; nil heals it.
func (n *outageNet) fails(part string, f fault) {
	paths := map[string][]string{
		"discovery": {discoveryPath}, "keys": {keysPath}, "token": {tokenPath}, "device": {devicePath}, "userinfo": {userInfoPath},
		"revocation": {revocationPath}, "trusted keys": {jwksPath},
		"provider": {discoveryPath, keysPath, tokenPath, devicePath, userInfoPath, revocationPath},
	}[part]
	n.breaks(f, paths...)
	if part == "store" {
		n.store.down(f != nil)
	}
}

// outageService is one service with what its callers bring.
type outageService struct {
	*flowService
	net          *outageNet
	inBrokerMode bool
	prepared     outageCallers
}

type outageCallers struct {
	tokens core.Token
	query  url.Values // of the callback
	cookie string
}

func (n *outageNet) serve(inBrokerMode bool, changes ...func(*core.Config)) *outageService {
	n.t.Helper()
	config := n.config()
	config.Timeout = outagePatience
	if inBrokerMode {
		config.Store, config.Broker = n.store, &core.BrokerConfig{ImportKey: sharedPEM(), Audience: shared, TrustedIssuers: []string{peerA}}
	}
	for _, change := range changes {
		change(&config)
	}
	return &outageService{flowService: flowServe(n.t, config, n, nil), net: n, inBrokerMode: inBrokerMode}
}

// prepare logs in, and begins one login more.
func (s *outageService) prepare() outageCallers {
	s.t.Helper()
	target, answer := s.login(url.Values{"redirect_uri": {outageCallback}})
	s.net.mu.Lock()
	s.net.nonce = target.Query().Get("nonce")
	s.net.mu.Unlock()
	return outageCallers{
		tokens: s.begun(), query: url.Values{"code": {"c"}, "state": {target.Query().Get("state")}}, cookie: "Cookie: " + flowCookie(s.t, answer),
	}
}

// warm uses every part once.
func (s *outageService) warm() {
	s.t.Helper()
	s.prepared = s.prepare()
	for _, caller := range []string{"guard", "trusted"} {
		if caller == "guard" || s.inBrokerMode {
			if got := s.ask(caller); got != "200" {
				s.t.Fatalf("%s: %s", caller, got)
			}
		}
	}
}

// outlast breaks a part of a service that has used everything, and lets its documents grow old, so that each was asked for
// again. What callers bring is made as late as somebody can give it.
func (s *outageService) outlast(part string, f fault) {
	s.t.Helper()
	if part == "provider" || part == "store" {
		time.Sleep(4 * time.Minute)
		s.prepared = s.prepare()
		s.net.fails(part, f)
		time.Sleep(9 * time.Minute) // a login that was begun before may still be finished
		return
	}
	s.net.fails(part, f)
	time.Sleep(map[string]time.Duration{"discovery": 61 * time.Minute}[part] + 13*time.Minute)
	s.prepared = s.prepare()
}

// ask is what one of the contract's callers gets.
func (s *outageService) ask(caller string) string {
	s.t.Helper()
	bearer := s.prepared.tokens.AccessToken
	switch caller {
	case "guard":
		return s.guarded(bearer)
	case "trusted":
		return s.guarded(rsaToken(s.t, otherKeys()[0], "a", pythonClaims(peerA, shared)))
	case "login":
		return outageAnswer(s.get("login", url.Values{"redirect_uri": {outageCallback}}))
	case "callback":
		return outageAnswer(s.get("callback", s.prepared.query, s.prepared.cookie))
	case "code":
		return outageAnswer(s.begin())
	case "refresh":
		return outageAnswer(s.post("token", url.Values{"refresh_token": {s.prepared.tokens.RefreshToken}}))
	case "exchange":
		return outageAnswer(s.post("token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {s.net.token()}}))
	case "device":
		return outageAnswer(s.post("device", nil))
	case "userinfo":
		return outageAnswer(s.get("userinfo", nil, "Authorization: Bearer "+bearer))
	case "logout":
		return outageAnswer(s.get("logout", nil, "Authorization: Bearer "+bearer))
	default:
		return outageAnswer(s.get(caller, nil))
	}
}

func (s *outageService) guarded(token string) string {
	s.t.Helper()
	_, err := s.admit(token)
	if err == nil {
		return "200"
	}
	return outageAnswer(s.auth.Answer(s.t.Context(), core.Credentials{}, err))
}
