package core_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var (
	refuse = oidctest.Refused()
	hang   = oidctest.Hang()
)

// says makes a fault that answers instead of an endpoint.
func says(status int, contentType, body string) fault {
	return oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Location", "https://idp.example/"+poison)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may have left
	})
}

// faults are the ways in which a provider fails.
var faults = map[string]fault{
	"refused":            refuse,
	"reset":              oidctest.Cut(),
	"hang":               hang,
	"drip":               oidctest.Drip(time.Second),
	"503":                says(503, "text/plain", poison),
	"500 with HTML":      says(500, "text/html", "<h1>"+poison),
	"200 with HTML":      says(200, "text/html", "<h1>"+poison),
	"truncated":          says(200, "application/json", `{"issuer":"`+issuer+`","keys":[{"kid":"`+poison),
	"wrong content type": says(200, "text/plain", `{"issuer":"`+issuer+`","keys":[],"x":"`+poison+`"}`),
	"2 MB":               says(200, "application/json", `{"x":"`+strings.Repeat(poison, 2<<20/len(poison))+`"}`),
	"302":                says(302, "application/json", `{}`),
	"307":                says(307, "application/json", `{}`),
	"wrong issuer":       says(200, "application/json", `{"issuer":"https://evil.example/realm","jwks_uri":"https://evil.example/keys","x":"`+poison+`"}`),
	"empty key list":     says(200, "application/json", `{"keys":[],"issuer":"`+issuer+`"}`),
	"404":                says(404, "application/json", `{"error":"`+poison+`"}`),
	"empty":              says(200, "application/json", ``),
	"401":                says(401, "application/json", `{"error":"`+poison+`"}`),
}

const (
	outagePatience = 10 * time.Second
	outageCallback = "https://app.example/api/auth/v2/callback"
)

// Faults of the contract, by their names in the guide.
var (
	outOfReach = map[string]fault{
		"refused": refuse, "hang": hang, "drip": faults["drip"], "reset in the middle": resetInTheMiddle,
		"500": faults["500 with HTML"], "503": faults["503"], "429": tooMany,
	}
	unusable = map[string]fault{"200 HTML": faults["200 with HTML"], "truncated": says(200, "application/json", `{"issuer":"x`), "1 MB": says(200, "application/json", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), "302": faults["302"]}

	tooMany = oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		http.Error(w, poison, http.StatusTooManyRequests)
	})
	// resetInTheMiddle resets the connection after the answer has begun.
	resetInTheMiddle = oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"x":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
)

// faultsOf returns the faults of a row; only some of them if the mode makes no difference.
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

// outageNet has a provider and a trusted service without a network, and a store, on the clock of the test's bubble. A test can make
// each of them fail.
type outageNet struct {
	*memoryIDP
	peers
	store *flawedStore
}

func newOutageNet(t testing.TB) *outageNet {
	idp := newIDPWith(t, oidctest.WithoutEndSession())
	idp.AddUser(oidctest.User{Name: "alice", Claims: claims{"preferred_username": "alice"}})
	idp.Tamper(oidctest.AccessTokens, func(token claims) { token["preferred_username"] = nil }) // so that userinfo is called
	trusted := newPeer(t, peerA, document(keySet(rsaJWK(otherKeys()[0], "a"))))
	return &outageNet{idp, peers{[]*peer{trusted}, idp}, &flawedStore{Store: store.NewMemory()}}
}

// posts returns the number of POST requests to each endpoint.
func (n *outageNet) posts() map[oidctest.Endpoint]int {
	posts := map[oidctest.Endpoint]int{}
	for _, endpoint := range []oidctest.Endpoint{oidctest.Token, oidctest.Device, oidctest.Revocation} {
		posts[endpoint] = n.Hits(endpoint)
	}
	return posts
}

// outageParts has the endpoints of the provider by their names in the contract.
var outageParts = map[string][]oidctest.Endpoint{
	"discovery": {oidctest.Discovery}, "keys": {oidctest.JWKS}, "token": {oidctest.Token}, "device": {oidctest.Device}, "userinfo": {oidctest.UserInfo},
	"revocation": {oidctest.Revocation},
	"provider":   {oidctest.Discovery, oidctest.JWKS, oidctest.Token, oidctest.Device, oidctest.UserInfo, oidctest.Revocation},
}

// fails breaks a part by its name in the contract.
func (n *outageNet) fails(part string, f fault) {
	n.breaks(f, outageParts[part]...)
	switch part {
	case "store":
		n.store.down(true)
	case "trusted keys":
		n.list[0].Fault(oidctest.JWKS, f)
	}
}

func (n *outageNet) heals(part string) {
	for _, endpoint := range outageParts[part] {
		n.Heal(endpoint)
	}
	switch part {
	case "store":
		n.store.down(false)
	case "trusted keys":
		n.list[0].Fault(oidctest.JWKS, document(keySet(rsaJWK(otherKeys()[0], "a"))))
	}
}

// outageService is one service with the tokens and codes of its callers.
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
	f := flowServe(n.t, config, n.peers, nil)
	f.idp = n.Provider
	return &outageService{flowService: f, net: n, inBrokerMode: inBrokerMode}
}

// prepare logs in, and starts another login.
func (s *outageService) prepare() outageCallers {
	s.t.Helper()
	target, answer := s.login(url.Values{"redirect_uri": {outageCallback}})
	return outageCallers{
		tokens: s.begun(), query: s.approve(target, "alice"), cookie: "Cookie: " + flowCookie(s.t, answer),
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

// outlast breaks a part of a service that has used every part, and waits until every document was fetched again. It makes the
// tokens and codes of callers as late as possible.
func (s *outageService) outlast(part string, f fault) {
	s.t.Helper()
	if part == "provider" || part == "store" {
		time.Sleep(4 * time.Minute)
		s.prepared = s.prepare()
		s.net.fails(part, f)
		time.Sleep(9 * time.Minute) // a login that was started before can still be finished
		return
	}
	s.net.fails(part, f)
	time.Sleep(map[string]time.Duration{"discovery": 61 * time.Minute}[part] + 13*time.Minute)
	s.prepared = s.prepare()
}

// ask returns the answer to a caller of the contract.
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
