package redisstore

import (
	"errors"
	"fmt"

	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/redis/go-redis/v9"
)

func init() { broker.Register(open, "redis", "rediss") }

// errURL stands for every fault of a URL: what the parser says quotes it.
var errURL = errors.New("not a URL like redis://[user[:password]@]host[:port][/number][?options], or with rediss for TLS; the options are those of redis.ParseURL")

// open makes a store from a URL and connects to nothing.
func open(url string) (broker.Store, error) {
	options, err := redis.ParseURL(url)
	if err != nil || options.DB < 0 {
		return nil, fmt.Errorf("redisstore: open: %w", errURL)
	}
	options.ContextTimeoutEnabled = true
	return own(redis.NewClient(options)), nil
}
