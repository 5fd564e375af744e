package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen listens on addr, or on a free port of the same host if addr is in use. The host must be loopback, because everybody
// can log in to the demo.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not loopback: write 127.0.0.1:8080 or another port", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	return listener, err
}
