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
	mark := rand.Text()
	_, err := within(ctx, "revoke", func() (struct{}, error) {
		all, err := s.listsOf(ctx, id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.listed(ctx, id, all[0], func(of lists) error {
			keys := append([]string{sessionKey + id, sessionsKey}, append(of.keys(), revokedKey, revokedAt, revokedUntil)...)
			return s.try(ctx, revokeScript, keys, append(of.values(), id, mark, number(version), millis(now), millis(until))...)
		})
	})
	return err
}

// page is how many entries one command asks for: others wait for the server while it answers.
const page = 1000

// Revoked is [store.Store.Revoked]. It reads the index and then the entries. If an entry changes in between, its times have become later;
// if it is deleted, its Until has passed.
func (s *Store) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return within(ctx, "revoked", func() ([]store.Revocation, error) {
		ids, err := s.client.ZRangeByScore(ctx, revokedAt, &redis.ZRangeBy{Min: millis(since), Max: "+inf"}).Result()
		if err != nil {
			return nil, err
		}
		return s.revoked(ctx, ids, since, now)
	})
}

// RevokedAmong is [store.Store.RevokedAmong].
func (s *Store) RevokedAmong(ctx context.Context, ids []string, now time.Time) ([]store.Revocation, error) {
	ids = slices.Clone(ids) // a call that was cancelled may still be sending them
	return within(ctx, "revoked among", func() ([]store.Revocation, error) {
		return s.revoked(ctx, ids, time.Time{}, now)
	})
}

// revoked reads entries of the feed.
func (s *Store) revoked(ctx context.Context, ids []string, since, now time.Time) (list []store.Revocation, err error) {
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
