package redisstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) { storetest.Run(t, storetest.Backend{Place: place}) }

// place is one database of the server.
func place(t testing.TB) storetest.Place {
	address, database := dbserver.Redis(t)
	url := fmt.Sprintf("redis://%s/%d", address, database)
	return storetest.Place{
		Handle: func(t testing.TB) (store.Store, func(context.Context) error) {
			client := redis.NewClient(&redis.Options{Addr: address, DB: database})
			t.Cleanup(func() { _ = client.Close() })
			return redisstore.New(client), func(ctx context.Context) error { return client.Ping(ctx).Err() }
		},
		URL: url, Address: address,
	}
}
