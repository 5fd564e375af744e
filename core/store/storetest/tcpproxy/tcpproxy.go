// Package tcpproxy is a network between a client and a server that fails when a test says so.
package tcpproxy

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and its server, and fails as networks do. Safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	state State
	open  map[net.Conn]struct{}
}

// State is what a proxy does with what it is given.
type State int

// The states of a proxy.
const (
	Passes   State = iota
	Refuses        // every connection ends at once
	Swallows       // connections come up, and nothing is passed on in either direction
)

// New makes a proxy on a free port of loopback. It ends with the test.
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

// Address is where the proxy listens, host:port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Become changes what the proxy does. All connections are cut, unless they are to hang.
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
