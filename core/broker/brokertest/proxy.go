package brokertest

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between a store and its database, and fails as networks do. Safe for concurrent use.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	state state
	open  map[net.Conn]struct{}
}

// state is what a proxy does with what it is given.
type state int

const (
	passes   state = iota
	refuses        // every connection ends at once
	swallows       // connections come up, and nothing is passed on in either direction
)

// newProxy makes a proxy on a free port of loopback. It ends with the test.
func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, "listen", err)
	p := &proxy{listener: listener, target: target, open: make(map[net.Conn]struct{})}
	go p.accept()
	t.Cleanup(func() { _ = listener.Close(); p.become(refuses) })
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// become changes what the proxy does. All connections are cut, unless they are to hang.
func (p *proxy) become(next state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = next
	if next == swallows {
		return
	}
	for connection := range p.open {
		_ = connection.Close()
	}
	clear(p.open)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *proxy) serve(client net.Conn) {
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
func (p *proxy) keep(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range ends {
		if p.state == refuses {
			_ = end.Close()
			continue
		}
		p.open[end] = struct{}{}
	}
	return p.state != refuses
}

// copy passes bytes on until one side ends, then ends the other.
func (p *proxy) copy(to, from net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		drop := p.state == swallows
		p.mu.Unlock()
		if drop {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
