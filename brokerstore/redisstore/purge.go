package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// rounds and portion bound one call of Purge: so many scripts for each kind, so much in each.
const (
	rounds  = 25
	portion = 200
)

// Purge deletes what has ended, as [store.Store.Purge] specifies. One call deletes at most 5,000 sessions and 5,000 revocations, with scripts
// of at most 200 each, so that other callers wait for some milliseconds at most. It deletes every signing key that has ended.
func (s *Store) Purge(ctx context.Context, now time.Time) (int, error) {
	return within(ctx, "purge", func() (int, error) {
		sessions, err := s.purge(ctx, sessionsKey, now, func(ids []string) (int, error) {
			return s.purgeSessions(ctx, now, ids)
		})
		if err != nil {
			return sessions, err
		}
		revocations, err := s.purge(ctx, revokedUntil, now, func(ids []string) (int, error) {
			return purgeRevokedScript.Run(ctx, s.client, []string{revokedKey, revokedAt, revokedUntil}, nowAnd(now, ids)...).Int()
		})
		if err != nil {
			return sessions + revocations, err
		}
		keys, err := purgeKeysScript.Run(ctx, s.client, []string{keysKey}, millis(now), never).Int()
		return sessions + revocations + keys, err
	})
}

func (s *Store) purgeSessions(ctx context.Context, now time.Time, ids []string) (int, error) {
	all, err := s.listsOf(ctx, ids...)
	if err != nil {
		return 0, err
	}
	keys, arguments := []string{sessionsKey}, []any{millis(now)}
	for i, id := range ids {
		keys = append(append(keys, sessionKey+id), all[i].keys()...)
		arguments = append(append(arguments, id), all[i].values()...)
	}
	return purgeSessionsScript.Run(ctx, s.client, keys, arguments...).Int()
}

// purge hands what has ended by an index to remove, portion by portion. remove looks again: an entry may have changed.
func (s *Store) purge(ctx context.Context, index string, now time.Time, remove func(ids []string) (int, error)) (removed int, err error) {
	for range rounds {
		ids, err := s.client.ZRangeByScore(ctx, index, &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: portion}).Result()
		if err != nil || len(ids) == 0 {
			return removed, err
		}
		n, err := remove(ids)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func nowAnd(now time.Time, ids []string) []any {
	arguments := []any{millis(now)}
	for _, id := range ids {
		arguments = append(arguments, id)
	}
	return arguments
}
