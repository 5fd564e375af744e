package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// never is how a time that was not set is written.
var never = millis(time.Time{})

// AddKey is [store.Store.AddKey].
func (s *Store) AddKey(ctx context.Context, key store.Key) error {
	generation := number(key.Generation)
	return s.run(ctx, "add key", addKeyScript, []string{keysKey}, generation, rand.Text(),
		generation+":id", key.ID, generation+":sealed", string(key.Sealed), generation+":from", millis(key.From), generation+":until", millis(key.Until))
}

// RetireKey is [store.Store.RetireKey].
func (s *Store) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.run(ctx, "retire key", retireScript, []string{keysKey}, number(generation)+":until", millis(until), never)
}

// Keys is [store.Store.Keys].
func (s *Store) Keys(ctx context.Context) ([]store.Key, error) {
	return within(ctx, "keys", func() ([]store.Key, error) {
		stored, err := s.client.HGetAll(ctx, keysKey).Result()
		if err != nil {
			return nil, err
		}
		return readKeys(stored)
	})
}

func readKeys(stored map[string]string) (keys []store.Key, err error) {
	var n numbers
	for field := range stored {
		generation, ok := strings.CutSuffix(field, ":mark")
		if !ok {
			continue
		}
		keys = append(keys, store.Key{
			Generation: n.int(generation), ID: stored[generation+":id"], Sealed: bytesOf(stored[generation+":sealed"]),
			From: n.time(stored[generation+":from"]), Until: n.time(stored[generation+":until"]),
		})
	}
	if n.err != nil {
		return nil, n.err
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return cmp.Compare(a.Generation, b.Generation) })
	return keys, nil
}
