package redisstore

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

func init() { store.Register(open, "redis", "rediss") }

// The client allocates its pools at once, whatever size is configured.
const (
	maxConnections = 1000
	maxBuffer      = 1 << 20 // bytes
)

// errURL stands for every fault that the parser finds in a URL: what it says quotes it.
var errURL = errors.New("not a URL like redis://[user[:password]@]host[:port][/number][?options], or with rediss for TLS; the options are those of redis.ParseURL")

var (
	errIdle   = errors.New("min_idle_conns would connect while the store is opened: leave it out, or hand a client to redisstore.New")
	errPool   = fmt.Errorf("pool_size, max_idle_conns, max_active_conns and max_concurrent_dials are 0, the client's default, or up to %d, pipeline_pool_size also -1", maxConnections)
	errBuffer = fmt.Errorf("pipeline_read_buffer_size and pipeline_write_buffer_size are 0, the client's default, or up to %d", maxBuffer)
)

// open makes a store from a URL and connects to nothing.
func open(url string) (store.Store, error) {
	options, err := parse(url)
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	return own(redis.NewClient(options)), nil
}

func parse(url string) (*redis.Options, error) {
	options, err := redis.ParseURL(url)
	if err != nil || options.DB < 0 {
		return nil, errURL
	}
	options.ContextTimeoutEnabled = true
	// A server that announces maintenance is to name no other address: else the client looks up the host's name when it is
	// made, to find out which kind of address to ask for.
	options.MaintNotificationsConfig = &maintnotifications.Config{EndpointType: maintnotifications.EndpointTypeNone}
	return options, bounded(options)
}

func bounded(o *redis.Options) error {
	switch {
	case o.MinIdleConns != 0:
		return errIdle
	case outside(0, maxConnections, o.PoolSize, o.MaxIdleConns, o.MaxActiveConns, o.MaxConcurrentDials), outside(-1, maxConnections, o.PipelinePoolSize):
		return errPool
	case outside(0, maxBuffer, o.PipelineReadBufferSize, o.PipelineWriteBufferSize):
		return errBuffer
	}
	return nil
}

// outside says whether one of the numbers is below least or above most.
func outside(least, most int, numbers ...int) bool {
	return slices.Min(numbers) < least || slices.Max(numbers) > most
}
