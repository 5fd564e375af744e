package brokertest_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/go-oidc-auth/oidcauth/core/broker/brokertest"
)

// memory is a place that holds one store: what several instances of a service share, it shares by being the same.
func memory(testing.TB) brokertest.Place {
	store := broker.NewMemory()
	return brokertest.Place{Open: func(testing.TB) broker.Store { return store }}
}

func TestMemory(t *testing.T) { brokertest.Run(t, brokertest.Backend{Place: memory}) }
