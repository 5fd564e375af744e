package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// rounds bounds one call of Purge: so many pages of each kind.
const rounds = 5

// Purge is [store.Store.Purge]. At most 5,000 of each kind go in one call, by scripts of at most 1,000: no caller waits for
// longer than one of them takes, some milliseconds.
func (s *Store) Purge(ctx context.Context, now time.Time) (int, error) {
	return within(ctx, "purge", func() (int, error) {
		sessions, err := s.purge(ctx, sessionsKey, now, func(ids []string) (int, error) {
			keys := []string{sessionsKey}
			for _, id := range ids {
				keys = append(keys, sessionKey+id)
			}
			return purgeSessionsScript.Run(ctx, s.client, keys, nowAnd(now, ids)...).Int()
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

// purge hands what has ended by an index to remove, page by page. remove looks again: an entry may have changed.
func (s *Store) purge(ctx context.Context, index string, now time.Time, remove func(ids []string) (int, error)) (removed int, err error) {
	for range rounds {
		ids, err := s.client.ZRangeByScore(ctx, index, &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: page}).Result()
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
