package main

import (
	"errors"
	"net"
	"syscall"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// users are those whom the provider knows without being told.
var users = []user{{"alice", adminRole}, {"bob", ""}, {"carol", ""}}

// user is what the page says of somebody who can log in; Role is the one that matters here.
type user struct{ Name, Role string }

func userNames() []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name
	}
	return names
}

// startProvider starts the provider at addr, or at a free port of the same host when somebody else has it. It listens
// on loopback alone, and keeps its logins in a file, as the applications keep theirs.
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
