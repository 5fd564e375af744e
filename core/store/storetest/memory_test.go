package storetest_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
)

// memory is a place that holds one store: what several instances of a service share, it shares by being the same.
func memory(testing.TB) storetest.Place {
	db := store.NewMemory()
	return storetest.Place{Open: func(testing.TB) store.Store { return db }}
}

func TestMemory(t *testing.T) { storetest.Run(t, storetest.Backend{Place: memory}) }
