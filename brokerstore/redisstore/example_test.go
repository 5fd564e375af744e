package redisstore_test

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/redis/go-redis/v9"
)

// A client of the program's own, with its settings, which the store leaves open.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", DB: 3, DialTimeout: time.Second})
	defer func() { _ = client.Close() }()

	store := redisstore.New(client) // goes into core.Config.Store
	defer func() { _ = store.Close() }()
}
