package integration

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// proxy stands before a server, and can be cut.
type proxy struct {
	t        *testing.T
	target   string
	listener net.Listener

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, target: target, listener: listener}
	t.Cleanup(func() { _ = listener.Close(); p.cut() })
	go p.accept()
	return p
}

// in puts the proxy's address in the place of the server's.
func (p *proxy) in(url string) string {
	return strings.Replace(url, p.target, p.listener.Addr().String(), 1)
}

func (p *proxy) accept() {
	for {
		front, err := p.listener.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = front.Close()
			continue
		}
		p.mu.Lock()
		if p.down {
			_, _ = front.Close(), back.Close()
		}
		p.conns = append(p.conns, front, back)
		p.mu.Unlock()
		go func() { _, _ = io.Copy(front, back); _ = front.Close() }()
		go func() { _, _ = io.Copy(back, front); _ = back.Close() }()
	}
}

// cut ends all connections and lets no new one live.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
