package grpcauth_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// handlers are handlers of long streams. Each sends one message first, and returns what its stream returns to it.
var handlers = map[string]func(grpc.ServerStream) error{
	"Receives": func(stream grpc.ServerStream) error { return stream.RecvMsg(new(emptypb.Empty)) },
	"Sends": func(stream grpc.ServerStream) error { // more than the client takes, so it waits
		for {
			if err := stream.SendMsg(wrapperspb.String(strings.Repeat("x", 16<<10))); err != nil {
				return err
			}
		}
	},
	"Waits": func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	},
	"Both": func(stream grpc.ServerStream) error { // each direction in its goroutine, as handlers of chats do
		received := make(chan error, 1)
		go func() { received <- stream.RecvMsg(new(emptypb.Empty)) }()
		for {
			if err := stream.SendMsg(wrapperspb.String(strings.Repeat("x", 16<<10))); err != nil {
				return <-received
			}
		}
	},
	"SaysNothing": func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return nil
	},
	"GoesOn": func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		for range 3 { // none of it reaches the client
			_ = stream.SendMsg(wrapperspb.String("too late"))
			_ = stream.RecvMsg(new(emptypb.Empty))
		}
		return status.Error(codes.DataLoss, "an error of the handler")
	},
}

// afterFirst lets a handler send the subject of its caller first.
func afterFirst(handler func(grpc.ServerStream) error, returned chan<- error) func(grpc.ServerStream) error {
	return func(stream grpc.ServerStream) error {
		if err := sayWho(stream); err != nil {
			return err
		}
		err := handler(stream)
		returned <- err
		return err
	}
}

// ending is a way in which a stream of a caller ends.
type ending struct {
	config func(*core.Config)
	bearer func(idp *oidctest.Provider, auth *core.Auth) string
	end    func(t *testing.T, idp *oidctest.Provider, auth *core.Auth)
	want   string
}

func ofProvider(idp *oidctest.Provider, _ *core.Auth) string { return idp.Bearer("alice") }

func ofBroker(idp *oidctest.Provider, auth *core.Auth) string { return idp.BrokerBearer(auth, "alice") }

var endings = map[string]ending{
	"expiry": {func(*core.Config) {}, ofProvider, func(*testing.T, *oidctest.Provider, *core.Auth) {}, badToken()},
	"expiry of an own token": {func(cfg *core.Config) {
		brokered(cfg)
		cfg.Broker.TokenTTL = 5 * time.Minute
	}, ofBroker, func(*testing.T, *oidctest.Provider, *core.Auth) {}, badToken()},
	"revocation": {brokered, ofBroker, func(t *testing.T, idp *oidctest.Provider, auth *core.Auth) {
		if ended, err := auth.EndSessions(t.Context(), idp.Issuer(), "alice"); ended != 1 || err != nil {
			t.Errorf("%d sessions, %v", ended, err)
		}
	}, badToken()},
	"shutdown": {brokered, ofBroker, func(_ *testing.T, _ *oidctest.Provider, auth *core.Auth) { _ = auth.Close() }, outage("The service is shutting down.", "10s")},
}

// A stream ends with the token of its caller, whatever its handler does.
func TestStreamsEnd(t *testing.T) {
	for name, ending := range endings {
		for method, handler := range handlers {
			t.Run(name+"/"+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { streamEnds(t, ending, method, handler) })
			})
		}
	}
}

func streamEnds(t *testing.T, ending ending, method string, handler func(grpc.ServerStream) error) {
	idp := newProvider(t)
	cfg := idp.Config()
	ending.config(&cfg)
	auth := newAuth(t, cfg)
	returned := make(chan error, 1)
	guard := auth.Required()
	if method == "Waits" {
		guard = auth.Optional() // a caller at an optional guard has a token that ends, too
	}
	c := serve(t, intercept(t, auth, grpcauth.Rules{Default: guard}),
		serviceOf("test.Streams", nil, map[string]func(grpc.ServerStream) error{method: afterFirst(handler, returned)}))
	stream := c.open("/test.Streams/"+method, "authorization", ending.bearer(idp, auth.Auth))
	if got := c.next(stream); got != "alice" {
		t.Fatal(got)
	}
	time.Sleep(4 * time.Minute)
	synctest.Wait()
	select {
	case err := <-returned:
		t.Fatalf("the stream has ended too early: %v", err)
	default:
	}
	ending.end(t, idp, auth.Auth)
	var err error
	select {
	case err = <-returned:
	case <-time.After(2 * time.Minute):
		t.Fatal("the stream goes on")
	}
	switch method {
	case "Receives", "Sends", "Both":
		if got := textOf(t, err); got != ending.want {
			t.Errorf("the handler got %s", got)
		}
	case "Waits":
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the handler got %v", err)
		}
	}
	for { // what was sent before
		got := c.next(stream)
		if strings.HasPrefix(got, "xxx") {
			continue
		}
		if got != ending.want {
			t.Errorf("the client got %s\nwant %s", got, ending.want)
		}
		break
	}
}

// Streams that end by themselves, by their client or by an error of the handler, have that as their status.
func TestStreamsThatEndOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newProvider(t)
		auth := newAuth(t, idp.Config())
		returned := make(chan error, 1)
		c := serve(t, intercept(t, auth, grpcauth.Rules{Services: map[string]*core.Guard{"test.Streams": auth.Required(), "test.Guests": auth.Optional()}}),
			serviceOf("test.Streams", nil, map[string]func(grpc.ServerStream) error{
				"Echoes": echo, "Fails": func(grpc.ServerStream) error { return status.Error(codes.DataLoss, "an error of the handler") },
				"Receives": afterFirst(handlers["Receives"], returned), "Waits": afterFirst(handlers["Waits"], returned),
			}),
			serviceOf("test.Guests", nil, map[string]func(grpc.ServerStream) error{"Echoes": echo}))
		alice := idp.Bearer("alice")
		if got := c.first("/test.Streams/Fails", "authorization", alice); got != "DataLoss: an error of the handler" {
			t.Error(got)
		}
		guest := c.open("/test.Guests/Echoes")
		for _, service := range []string{"Streams", "Guests"} {
			stream := c.open("/test."+service+"/Echoes", "authorization", alice)
			for range 100 {
				_ = stream.SendMsg(wrapperspb.String("hello"))
				if got := c.next(stream); got != "hello" {
					t.Fatal(got)
				}
			}
			_ = stream.CloseSend()
			if got := c.next(stream); got != "EOF" {
				t.Error(got)
			}
		}
		for _, method := range []string{"Receives", "Waits"} {
			ctx, leave := context.WithCancel(t.Context())
			stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Streams/"+method, withToken(alice))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.next(stream); got != "alice" {
				t.Error(got)
			}
			leave()
			if err := <-returned; status.Code(err) != codes.Canceled && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", method, err)
			}
		}
		time.Sleep(time.Hour) // a guest has no token that could end
		_ = guest.SendMsg(wrapperspb.String("hello"))
		if got := c.next(guest); got != "hello" {
			t.Error(got)
		}
	})
}

func echo(stream grpc.ServerStream) error {
	for {
		message := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(message); err != nil {
			return err
		}
	}
}

// withToken sends an Authorization value with a call.
func withToken(authorization string) grpc.CallOption {
	return grpc.PerRPCCredentials(perCall(authorization))
}

type perCall string

func (p perCall) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(p)}, nil
}

func (perCall) RequireTransportSecurity() bool { return false }

// A panic in a call of the stream reaches the goroutine of the handler, where interceptors recover from it.
func TestStreamPanics(t *testing.T) {
	idp := newProvider(t)
	auth := newAuth(t, idp.Config())
	guards := intercept(t, auth, grpcauth.Rules{Default: auth.Required()})
	recovers := func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = status.Error(codes.Internal, value.(string))
			}
		}()
		return handler(server, stream)
	}
	breaks := func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(server, broken{stream})
	}
	server := grpc.NewServer(grpc.ChainStreamInterceptor(recovers, breaks, guards.Stream))
	server.RegisterService(serviceOf("test.Streams", nil, map[string]func(grpc.ServerStream) error{"Sends": sayWho}), struct{}{})
	if got := start(t, server).first("/test.Streams/Sends", "authorization", idp.Bearer("alice")); got != "Internal: a codec that panics" {
		t.Error(got)
	}
}

type broken struct{ grpc.ServerStream }

func (broken) SendMsg(any) error { panic("a codec that panics") }
