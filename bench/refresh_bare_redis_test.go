package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// On Redis a row that was added directly has the keys, the fields and the places in the lists that the store would have made.
func TestRedisKeys(t *testing.T) {
	p := places(t.TempDir())[4]
	url, err := p.started(t.Context())
	if err != nil {
		t.Skip(err)
	}
	db, err := open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	b, err := p.bare(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.close() }()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	like := store.Session{Kind: store.KindToken, Current: random(32), Last: random(32), Data: random(99), Answer: random(99), Expires: time.Now().Add(time.Hour)}
	rows := spreadOut(like, 0, 1)
	if err := b.add(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	direct := redisContent(t, client)
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := db.PutSession(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	stored := redisContent(t, client)
	for key := range stored {
		if !slices.Equal(direct[key], stored[key]) {
			t.Errorf("%s has other content than the store makes", key)
		}
	}
	if len(direct) != len(stored) {
		t.Errorf("%d keys, and the store makes %d", len(direct), len(stored))
	}
}

// redisContent returns all keys with their fields or members, but for the marks of writers.
func redisContent(t *testing.T, client *redis.Client) map[string][]string {
	all := make(map[string][]string)
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if left, err := client.PTTL(t.Context(), key).Result(); err != nil || (left > 0) != (key != redisIndex) {
			t.Errorf("%s lasts for %s, %v", key, left, err)
		}
		if strings.HasPrefix(key, redisSession) {
			fields, err := client.HGetAll(t.Context(), key).Result()
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range fields {
				if name != "mark" {
					all[key] = append(all[key], name+"="+value)
				}
			}
		} else {
			members, err := client.ZRangeWithScores(t.Context(), key, 0, -1).Result()
			if err != nil {
				t.Fatal(err)
			}
			for _, member := range members {
				all[key] = append(all[key], fmt.Sprint(member))
			}
		}
		slices.Sort(all[key])
	}
	return all
}
