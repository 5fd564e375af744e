package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A client sees the refusals of the middleware and of the handler with connect's codes, in each of the three protocols.
func TestClients(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	router, err := newRouter(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(router)
	server.EnableHTTP2 = true // for gRPC
	server.StartTLS()
	defer server.Close()
	bob := idp.Bearer("bob", oidctest.Claims{"scope": "orders"})
	clerk := idp.Bearer("carol", oidctest.Claims{"scope": "orders", "roles": []string{"clerk"}})
	for protocol, option := range map[string]connect.ClientOption{"connect": connect.WithProtoJSON(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb()} {
		t.Run(protocol, func(t *testing.T) {
			count := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+"/orders.v1.Orders/Count", option)
			cancel := connect.NewClient[emptypb.Empty, emptypb.Empty](server.Client(), server.URL+"/orders.v1.Orders/Cancel", option)
			request := func(bearer string) *connect.Request[emptypb.Empty] {
				r := connect.NewRequest(&emptypb.Empty{})
				r.Header().Set("Authorization", bearer)
				return r
			}
			answer, err := count.CallUnary(t.Context(), request(bob))
			if err != nil || !strings.HasPrefix(answer.Msg.GetValue(), "bob has") {
				t.Errorf("bob: %v, %v", answer, err)
			}
			for name, c := range map[string]struct {
				bearer string
				want   connect.Code
			}{
				"nobody":         {"", connect.CodeUnauthenticated},
				"nonsense":       {"Bearer x.y.z", connect.CodeUnauthenticated},
				"without scope":  {idp.Bearer("bob"), connect.CodePermissionDenied},
				"without a role": {bob, connect.CodePermissionDenied},
			} {
				_, err := cancel.CallUnary(t.Context(), request(c.bearer))
				if connect.CodeOf(err) != c.want {
					t.Errorf("%s: %v, want %v", name, err, c.want)
				}
			}
			if _, err := cancel.CallUnary(t.Context(), request(clerk)); err != nil {
				t.Errorf("the clerk: %v", err)
			}
		})
	}
}

// The challenge of a demand reaches the client.
func TestChallenge(t *testing.T) {
	idp := oidctest.NewProvider(t)
	router, err := newRouter(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/orders.v1.Orders/Cancel", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", idp.Bearer("bob", oidctest.Claims{"scope": "orders"}))
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
