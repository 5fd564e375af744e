package main

import (
	"errors"
	"net"
	"syscall"
	"time"

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

// alice is the first user, with these roles.
func alice(roles ...string) oidctest.User {
	return oidctest.User{Name: "alice", Claims: oidctest.Claims{
		"sub": "alice", "preferred_username": "alice", "email": "alice@example.org", "email_verified": true,
		"name": "Alice Adams", "given_name": "Alice", "family_name": "Adams",
		"groups": []string{"/staff/dev"}, "realm_access": oidctest.Claims{"roles": roles},
	}}
}

// pollPause is how long a device waits between two polls.
const pollPause = time.Second

// startProvider starts the provider on addr, or on a free port of the same host if addr is in use. It listens on loopback
// only, and keeps its logins in a file, as the services do.
func startProvider(addr, file string) (*oidctest.Provider, error) {
	settings := []oidctest.Option{oidctest.WithFile(file), oidctest.WithLifetimes(oidctest.Lifetimes{Interval: pollPause})}
	provider, err := oidctest.Start(append(settings, oidctest.WithAddress(addr))...)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return provider, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return oidctest.Start(append(settings, oidctest.WithAddress(net.JoinHostPort(host, "0")))...)
}
