package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// Prefixes of the store's keys: a hash for each session; a sorted set of all sessions by expiry; and sorted sets of sessions by start, one
// for each owner and one for each session at the provider.
const (
	redisSession  = "{oidcauth}:session:"
	redisIndex    = "{oidcauth}:sessions"
	redisOwner    = "{oidcauth}:owner:"
	redisProvider = "{oidcauth}:provider:"
)

// redisWrite is a conditional write of a row and of its index entry, which other databases maintain themselves.
const redisWrite = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
	return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
return 1
`

func bareRedis(url string) (*bare, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(options)
	script, err := client.ScriptLoad(context.Background(), redisWrite).Result()
	if err != nil {
		return nil, err
	}
	return &bare{
		read: func(ctx context.Context, id string) error {
			row, err := client.HGetAll(ctx, redisSession+id).Result()
			if err == nil && len(row) == 0 {
				err = errNoRow
			}
			return err
		},
		write: func(ctx context.Context, row store.Session) error { return writeHash(ctx, client, script, row) },
		add:   func(ctx context.Context, rows []store.Session) error { return addHashes(ctx, client, rows) }, adders: 4,
		settle: func(context.Context) error { return nil },
		size:   func(ctx context.Context) (int64, error) { return usedMemory(ctx, client) },
		// Drop the data, so that it does not influence the next database.
		close: func() error { return errors.Join(client.FlushDB(context.Background()).Err(), client.Close()) },
	}, nil
}

// fields returns the fields of a row that may change, and the version.
func fields(row store.Session) []any {
	return append([]any{"version", row.Version}, named(changing(row), "current", "last", "data", "answer", "rotated", "lease", "expires", "last_expiry")...)
}

// allFields returns the fields of a new row.
func allFields(row store.Session) []any {
	return append(fields(row), named(lasting(row), "kind", "subject", "owner", "provider_session", "started", "seen", "idle", "note")...)
}

func named(values []any, names ...string) (list []any) {
	for i, value := range values {
		list = append(list, names[i], value)
	}
	return list
}

func writeHash(ctx context.Context, client *redis.Client, script string, row store.Session) error {
	arguments := []any{row.Version, row.ID, row.Expires.UnixMilli()}
	row.Version++
	done, err := client.EvalSha(ctx, script, []string{redisSession + row.ID, redisIndex}, append(arguments, fields(row)...)...).Int()
	if err == nil && done != 1 {
		err = errNoRow
	}
	return err
}

// addHashes sends all rows at once, each as the store writes it: with the writer's mark, its places in the lists, and expiries.
func addHashes(ctx context.Context, client *redis.Client, rows []store.Session) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, row := range rows {
			key, ends := redisSession+row.ID, row.Expires
			if !row.Idle.IsZero() && row.Idle.Before(ends) {
				ends = row.Idle
			}
			p.HSet(ctx, key, append(allFields(row), "mark", row.ID[:26])...)
			p.ZAdd(ctx, redisIndex, redis.Z{Score: float64(ends.UnixMilli()), Member: row.ID})
			p.PExpireAt(ctx, key, row.Expires.AddDate(0, 0, 1))
			addToList(ctx, p, redisOwner, row.Owner, row)
			addToList(ctx, p, redisProvider, row.ProviderSession, row)
		}
		return nil
	})
	return err
}

// addToList gives a list the longest life that it may need: the store gives it that of its last session.
func addToList(ctx context.Context, p redis.Pipeliner, prefix string, of []byte, row store.Session) {
	if len(of) == 0 {
		return
	}
	list := prefix + encode(of)
	p.ZAdd(ctx, list, redis.Z{Score: float64(row.Started.UnixMilli()), Member: row.ID})
	p.PExpireAt(ctx, list, time.Now().Add(maxLeft+24*time.Hour))
}

// usedMemory returns the memory of the whole server.
func usedMemory(ctx context.Context, client *redis.Client) (int64, error) {
	text, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, "used_memory:"); found {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, errors.New("the server does not say how much memory it uses")
}
