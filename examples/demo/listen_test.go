package main

import (
	"net"
	"strings"
	"testing"
)

func TestListenTakesAFreePortWhenTheUsualOneIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	listener, err := listen(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	if got := listener.Addr().String(); got == taken.Addr().String() || !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("listens on %s while %s is taken", got, taken.Addr())
	}
}

func TestListenIsForLoopbackAlone(t *testing.T) {
	for _, addr := range []string{":8080", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "app.example.org:0", "8080"} {
		if listener, err := listen(addr); err == nil {
			_ = listener.Close()
			t.Errorf("listens on %s", addr)
		}
	}
}

// Two demos at once: the second one uses free ports for both of its parts.
func TestASecondDemoFindsItsPorts(t *testing.T) {
	first := newDemo(t, anywhere(t, "gin"))
	o := anywhere(t, "chi")
	o.addr, o.provider = strings.TrimPrefix(first.base, "http://"), strings.TrimPrefix(first.provider.Issuer(), "http://")
	second := newDemo(t, o)
	if first.base == second.base || first.provider.Issuer() == second.provider.Issuer() {
		t.Errorf("both are at %s with %s", first.base, first.provider.Issuer())
	}
	newBrowser(t, second).login("/office", "bob")
}
