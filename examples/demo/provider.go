package main

import (
	"errors"
	"net"
	"syscall"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// users lists the built-in users of the provider.
var users = []user{{"alice", adminRole}, {"bob", ""}, {"carol", ""}}

// user describes on the page a user who can log in; Role is the role that matters here.
type user struct{ Name, Role string }

func userNames() []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name
	}
	return names
}

// startProvider starts the provider on addr, or on a free port of the same host if addr is in use. It listens on loopback
// only, and keeps its logins in a file, as the applications do.
func startProvider(addr, file string) (*oidctest.Provider, error) {
	provider, err := oidctest.Start(oidctest.WithAddress(addr), oidctest.WithFile(file))
	if !errors.Is(err, syscall.EADDRINUSE) {
		return provider, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return oidctest.Start(oidctest.WithAddress(net.JoinHostPort(host, "0")), oidctest.WithFile(file))
}
