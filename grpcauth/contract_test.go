package grpcauth_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
)

// outcomes are the statuses of the suite's outcomes; "" if the call passes.
var outcomes = map[contract.Outcome]string{
	contract.Admitted: "", contract.NoCredentials: noCredentials(), contract.BadToken: badToken(),
	contract.LacksScope: lacksScopes("staff", "staff"), contract.LacksClaim: lacksClaims(),
}

// What the adapters for HTTP have to decide, decided alike.
func TestGuards(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			idp := newProvider(t)
			cfg := idp.Config()
			mode.config(&cfg)
			auth := newAuth(t, cfg)
			var runs atomic.Int64
			counted := func(stream grpc.ServerStream) error {
				runs.Add(1)
				return sayWho(stream)
			}
			methods := []string{"Required", "Optional", "Strict"}
			c := serve(t, intercept(t, auth, grpcauth.Rules{
				Methods: map[string]*core.Guard{
					"/test.Calls/Required": auth.Required(contract.Needs()...), "/test.Streams/Required": auth.Required(contract.Needs()...),
					"/test.Calls/Strict": auth.Optional(append(contract.Needs(), core.RejectInvalid)...), "/test.Streams/Strict": auth.Optional(append(contract.Needs(), core.RejectInvalid)...),
				},
				Default: auth.Optional(contract.Needs()...),
			}), serviceOf("test.Calls", methods, nil), serviceOf("test.Streams", nil, map[string]func(grpc.ServerStream) error{"Required": counted, "Optional": counted, "Strict": counted}))

			token := func(user string, claims ...oidctest.Claims) string {
				return mode.token(t, auth.Auth, idp.AccessToken(user, claims...))
			}
			bad := contract.BadTokens(idp)
			if name == "broker" {
				bad = badOwnTokens(t, idp, cfg, auth.Auth)
			}
			for name, test := range contract.Credentials(token, bad) {
				t.Run(name, func(t *testing.T) {
					c, refusal := client{t, c.conn}, outcomes[test.Outcome]
					var pairs []string
					if test.Authorization != "" {
						pairs = []string{"authorization", test.Authorization}
					}
					want := map[string]string{"Required": refusal, "Optional": "guest", "Strict": refusal}
					switch test.Outcome {
					case contract.Admitted:
						want = map[string]string{"Required": "alice", "Optional": "alice", "Strict": "alice"}
					case contract.NoCredentials:
						want["Strict"] = "guest"
					}
					for method, want := range want {
						before := runs.Load()
						if got := c.call("/test.Calls/"+method, pairs...); got != want {
							t.Errorf("%s: %s\nwant %s", method, got, want)
						}
						if got := c.first("/test.Streams/"+method, pairs...); got != want {
							t.Errorf("%s, a stream: %s\nwant %s", method, got, want)
						}
						if ran := runs.Load() > before; ran != (want == "alice" || want == "guest") {
							t.Errorf("%s: the handler ran: %v", method, ran)
						}
					}
				})
			}
		})
	}
}

// badOwnTokens returns tokens that a guard of broker mode must refuse.
func badOwnTokens(t *testing.T, idp *oidctest.Provider, cfg core.Config, auth *core.Auth) map[string]string {
	t.Helper()
	providers := idp.AccessToken("alice", oidctest.Claims{"scope": "openid staff"})
	ended := exchanged(t, auth, providers)
	leave := &core.Request{Method: http.MethodGet, Header: http.Header{"Authorization": {"Bearer " + ended}}}
	if answer := route(t, auth, "logout").Serve(t.Context(), leave); answer.Status != http.StatusFound {
		t.Fatalf("logout: %d %s", answer.Status, answer.Body)
	}
	other := cfg
	other.Broker = &core.BrokerConfig{SigningAlgorithm: "EdDSA", Audience: "x"}
	bad := map[string]string{
		"ended session":   ended,
		"the provider's":  providers,
		"another service": exchanged(t, newAuth(t, other).Auth, providers),
	}
	maps.Copy(bad, contract.BadTokens(idp))
	return bad
}

// A service accepts the tokens of a trusted service, and says that it cannot while the keys of that one are out of reach.
func TestPeers(t *testing.T) {
	idp := newProvider(t)
	peers := &internet{provider: idp.Client().Transport}
	config := func(name string, trusted ...string) core.Config {
		cfg := idp.Config()
		brokered(&cfg)
		cfg.Broker.Audience, cfg.Broker.TrustedIssuers = "all", trusted
		cfg.PublicURL, cfg.HTTPClient = "https://"+name+".example", &http.Client{Transport: peers}
		return cfg
	}
	north := newAuth(t, config("north"))
	south, cold := newAuth(t, config("south", "https://north.example")), newAuth(t, config("south", "https://north.example"))
	stranger := newAuth(t, config("stranger"))
	ask := func(auth *grpcauth.Auth, bearer string) string {
		c := serve(t, intercept(t, auth, grpcauth.Rules{Default: auth.Required()}), serviceOf("test.Calls", []string{"Who"}, nil))
		return c.call("/test.Calls/Who", "authorization", bearer)
	}
	peers.north = route(t, north.Auth, "jwks")
	theirs := idp.BrokerBearer(north.Auth, "alice")
	if got := ask(south, theirs); got != "alice" {
		t.Error(got)
	}
	if got := ask(north, theirs); got != "alice" {
		t.Error(got)
	}
	if got := ask(south, idp.BrokerBearer(stranger.Auth, "alice")); got != badToken() {
		t.Error(got)
	}
	if got := ask(stranger, theirs); got != badToken() {
		t.Error(got)
	}
	peers.north = nil
	if got := ask(cold, theirs); got != outage("The keys of the token's issuer are out of reach, cannot validate token.", "10s") {
		t.Error(got)
	}
}

// internet leads to the provider, and to the keys of north if there is such a service.
type internet struct {
	provider http.RoundTripper
	north    http.Handler
}

func (n *internet) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.URL.Host, ".example") || request.URL.Host == "idp.example" {
		return n.provider.RoundTrip(request)
	}
	if n.north == nil || request.URL.Host != "north.example" {
		return nil, errors.New("no such host")
	}
	return answerOf(n.north, request), nil
}
