package contract

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Server describes the settings of a framework's own server that change what an adapter reads. The zero value is the framework's default.
type Server struct {
	// Streamed is true if handlers run before the body of a request was read. The server then accepts bodies of 1 GB.
	Streamed bool
	// RawNames is true if the server leaves header names as the client wrote them.
	RawNames bool
}

// ServedApp is an [App] of a framework that has its own server.
type ServedApp interface {
	App
	// ServeOn serves the application on listener as Serve does.
	ServeOn(testing.TB, net.Listener)
}

// RunServer runs the tests for adapters of frameworks whose server is not net/http's, beside [Run]: header names in any case, two headers
// of one name, bodies that are streamed from the connection. build creates an application as [Adapter.New] does, with a server with
// these settings.
func RunServer(t *testing.T, build func(core.Config, Server) (ServedApp, error)) {
	for _, test := range []struct {
		name   string
		server Server
		test   func(*testing.T, setup, *atomic.Int64)
	}{
		{"header names", Server{}, testNames},
		{"header names as they were written", Server{RawNames: true}, testNames},
		{"requests of other sites", Server{}, testForeignNames},
		{"requests of other sites, names as they were written", Server{RawNames: true}, testForeignNames},
		{"streamed bodies", Server{Streamed: true}, testStreamedBodies},
		{"streamed forms", Server{Streamed: true}, testStreamedForms},
	} {
		t.Run(test.name, func(t *testing.T) {
			read := new(atomic.Int64)
			test.test(t, setup{Adapter{New: func(cfg core.Config) (App, error) {
				app, err := build(cfg, test.server)
				if err != nil {
					return nil, err
				}
				return &countedApp{app, read}, nil
			}}, passthroughMode()}, read)
		})
	}
}

// countedApp counts the bytes that its server reads.
type countedApp struct {
	ServedApp

	read *atomic.Int64
}

func (a *countedApp) Serve(t testing.TB) string {
	listener := countedListener{Listen(t), a.read}
	a.ServeOn(t, listener)
	return "http://" + listener.Addr().String()
}

type countedListener struct {
	net.Listener

	read *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	return countedConn{connection, l.read}, err
}

type countedConn struct {
	net.Conn

	read *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}
