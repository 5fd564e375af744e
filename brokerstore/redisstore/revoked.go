package redisstore

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// Revoke is [store.Store.Revoke].
func (s *Store) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	keys := []string{sessionKey + id, sessionsKey, revokedKey, revokedAt, revokedUntil}
	return s.run(ctx, "revoke", revokeScript, keys, id, rand.Text(), number(version), millis(now), millis(until))
}

// page is how many entries one command asks for: others wait for the server while it answers.
const page = 1000

// Revoked is [store.Store.Revoked]. It reads the index and then the entries: an entry that changes in between has
// become later, and one that is gone has ended.
func (s *Store) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return within(ctx, "revoked", func() (list []store.Revocation, err error) {
		ids, err := s.client.ZRangeByScore(ctx, revokedAt, &redis.ZRangeBy{Min: millis(since), Max: "+inf"}).Result()
		if err != nil {
			return nil, err
		}
		for some := range slices.Chunk(ids, page) {
			entries, err := s.client.HMGet(ctx, revokedKey, some...).Result()
			if err != nil {
				return nil, err
			}
			if list, err = appendRevoked(list, some, entries, since, now); err != nil {
				return nil, err
			}
		}
		return list, nil
	})
}

func appendRevoked(list []store.Revocation, ids []string, entries []any, since, now time.Time) ([]store.Revocation, error) {
	for i, entry := range entries {
		text, ok := entry.(string)
		if !ok {
			continue // gone since the index was read
		}
		var n numbers
		at, rest, _ := strings.Cut(text, " ")
		until, _, _ := strings.Cut(rest, " ")
		revocation := store.Revocation{ID: ids[i], At: n.time(at), Until: n.time(until)}
		if n.err != nil {
			return nil, n.err
		}
		if !revocation.At.Before(since) && revocation.Until.After(now) {
			list = append(list, revocation)
		}
	}
	return list, nil
}
