package redisstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	errReplicas = errors.New("the client may read from replicas, which lag behind: set ReadOnly, RouteByLatency and RouteRandomly to false")
	errRing     = errors.New("a redis.Ring moves keys to another server when one fails, and loses what was on it: use a single server, Sentinel or a cluster")
	errReplica  = errors.New("the server is a replica, which lags behind: connect to the primary")
)

// Init checks the client and the server; there are no tables to create. It returns an error for a client that may read from replicas, for
// a redis.Ring, for a server that is a replica, and for a server with a memory limit whose maxmemory-policy is not noeviction. If the
// database user may not run the command INFO, Init does not check the server.
func (s *Store) Init(ctx context.Context) error {
	_, err := within(ctx, "init", func() (struct{}, error) {
		if err := checkClient(s.client); err != nil {
			return struct{}{}, err
		}
		server, err := s.primary(ctx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, checkServer(ctx, server)
	})
	return err
}

func checkClient(client redis.UniversalClient) error {
	switch client := client.(type) {
	case *redis.Ring:
		return errRing
	case *redis.ClusterClient:
		if o := client.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return errReplicas
		}
	}
	return nil
}

// primary returns the client of the server that holds our keys.
func (s *Store) primary(ctx context.Context) (redis.UniversalClient, error) {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, keysKey)
	}
	return s.client, nil
}

func checkServer(ctx context.Context, server redis.UniversalClient) error {
	text, err := server.Info(ctx).Result()
	if redis.IsPermissionError(err) {
		return server.Ping(ctx).Err()
	}
	if err != nil {
		return err
	}
	info := fields(text)
	if info["role"] == "slave" {
		return errReplica
	}
	limit, policy := info["maxmemory"], info["maxmemory_policy"]
	if limit != "" && limit != "0" && policy != "" && policy != "noeviction" {
		return fmt.Errorf("the server's maxmemory-policy is %.32q, which drops sessions when its memory is full: set it to noeviction", policy)
	}
	return nil
}

// fields reads the lines "name:value" of INFO.
func fields(text string) map[string]string {
	found := make(map[string]string)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}
