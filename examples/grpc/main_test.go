package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// start serves on a free port, and returns its address.
func start(t *testing.T, auth *grpcauth.Auth) string {
	t.Helper()
	server, err := newServer(auth)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	t.Cleanup(func() { server.Stop(); <-served })
	return listener.Addr().String()
}

func newAuth(t *testing.T, cfg core.Config) *grpcauth.Auth {
	t.Helper()
	auth, err := grpcauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func TestMethods(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	address := start(t, newAuth(t, idp.Config()))
	bob := idp.AccessToken("bob", oidctest.Claims{"email": "bob@example.net"}) // a signed-in user, in one line
	alice := idp.AccessToken("alice", oidctest.Claims{"scope": "openid admin"})
	for _, c := range []struct {
		method, token string
		code          codes.Code
		output        string
	}{
		{"Me", "", codes.Unauthenticated, "INVALID_REQUEST Bearer"},
		{"Me", "nonsense", codes.Unauthenticated, "INVALID_TOKEN Bearer"},
		{"Me", bob, codes.OK, "bob@example.net"},
		{"Feed", "", codes.OK, "hello guest"},
		{"Feed", bob, codes.OK, "hello bob"},
		{"Users", "", codes.Unauthenticated, "INVALID_REQUEST"},
		{"Users", bob, codes.PermissionDenied, `scope="admin"`},
		{"Users", alice, codes.OK, "asked by alice"},
		{"Watch", "", codes.Unauthenticated, "INVALID_REQUEST"},
	} {
		var output bytes.Buffer
		err := call(t.Context(), &output, address, c.method, c.token)
		if status.Code(err) != c.code || !strings.Contains(output.String(), c.output) {
			t.Errorf("%s as %.12q: %v %s, want %v with %q", c.method, c.token, err, &output, c.code, c.output)
		}
	}
}

// The health service needs no token.
func TestHealth(t *testing.T) {
	address := start(t, newAuth(t, oidctest.NewProvider(t).Config()))
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answer, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%v %v", answer, err)
	}
}

// A stream ends when the service is closed, as it does when the token ends.
func TestWatch(t *testing.T) {
	idp := oidctest.NewProvider(t)
	auth := newAuth(t, idp.Config())
	address := start(t, auth)
	output := writer(make(chan string, 8))
	ended := make(chan error, 1)
	go func() { ended <- call(t.Context(), output, address, "Watch", idp.AccessToken("alice")) }()
	if line := <-output; line != "watching for alice\n" {
		t.Error(line)
	}
	_ = auth.Close()
	if err := <-ended; status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

type writer chan string

func (w writer) Write(text []byte) (int, error) {
	w <- string(text)
	return len(text), nil
}

// The routes for logins are beside the service.
func TestRoutes(t *testing.T) {
	routes, err := newRoutes(newAuth(t, oidctest.NewProvider(t).Config()))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/ready": http.StatusOK, "/auth/v2/userinfo": http.StatusUnauthorized} {
		answer := httptest.NewRecorder()
		routes.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != want {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// Tests only a handler: its caller is made from claims, without a provider.
func TestHandlers(t *testing.T) {
	ctx := core.WithIDToken(context.Background(), oidctest.IDToken(oidctest.Claims{"sub": "1", "email": "carol@example.org"}))
	if got := me(ctx); got != "1 carol@example.org" {
		t.Error(got)
	}
}
