package main

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// The command opens a store of every kind.
func TestStores(t *testing.T) {
	for _, address := range []string{
		"sqlite:///" + t.TempDir() + "/s.sqlite", "postgres://user@127.0.0.1:1/db", "mysql://user@127.0.0.1:1/db", "mongodb://127.0.0.1:1/db", "redis://127.0.0.1:1/0",
	} {
		opened, err := store.Open(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if err := opened.Close(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
