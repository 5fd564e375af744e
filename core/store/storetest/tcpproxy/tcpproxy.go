// Package tcpproxy is a TCP proxy with which a test simulates a network that fails.
package tcpproxy

import (
	"net"
	"sync"
	"testing"
)

// Proxy passes on connections to a server, or fails as networks do, as its [State] says. Safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	state State
	open  map[net.Conn]struct{}
}

// State says what a proxy does with connections. The zero value is Passes.
type State int

// The states of a proxy.
const (
	Passes   State = iota
	Refuses        // closes every connection at once
	Swallows       // accepts connections, and passes on nothing in either direction
)

// New starts a proxy for the server at target, a host:port, on a free port of 127.0.0.1. It stops when the test ends.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, open: make(map[net.Conn]struct{})}
	go p.accept()
	t.Cleanup(func() { _ = listener.Close(); p.Become(Refuses) })
	return p
}

// Address returns the host:port on which the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Become changes the state, and closes all open connections unless next is Swallows.
func (p *Proxy) Become(next State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = next
	if next == Swallows {
		return
	}
	for connection := range p.open {
		_ = connection.Close()
	}
	clear(p.open)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	if !p.keep(client, server) {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { p.copy(server, client) })
	group.Go(func() { p.copy(client, server) })
	group.Wait()
}

// keep remembers both ends of a connection, so that they can be cut.
func (p *Proxy) keep(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range ends {
		if p.state == Refuses {
			_ = end.Close()
			continue
		}
		p.open[end] = struct{}{}
	}
	return p.state != Refuses
}

// copy passes bytes on until one side ends, then ends the other.
func (p *Proxy) copy(to, from net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		drop := p.state == Swallows
		p.mu.Unlock()
		if drop {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
