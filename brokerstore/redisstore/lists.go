package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// lists are the two lists that a session is in, by what they list: the owner's sessions and those of one session at the
// provider. An empty one is no list, and the key that stands for it is never made.
type lists struct{ owner, provider string }

func listsOf(s store.Session) lists { return lists{string(s.Owner), string(s.ProviderSession)} }

func (l lists) keys() []string {
	return []string{list{"owner", l.owner}.key(), list{"provider_session", l.provider}.key()}
}

func (l lists) values() []any { return []any{l.owner, l.provider} }

// attempts bounds how often a script is told of other lists, which takes a session that went and came with another owner.
const attempts = 5

// listed runs a script that needs to know the session's lists: with those that the caller takes them for, and again
// when they are others.
func (s *Store) listed(ctx context.Context, id string, of lists, run func(lists) error) error {
	for range attempts {
		if err := run(of); !errors.Is(err, errElsewhere) {
			return err
		}
		all, err := s.listsOf(ctx, id)
		if err != nil {
			return err
		}
		of = all[0]
	}
	return errElsewhere
}

// listsOf returns the lists of sessions, in one round trip. A session that is not there is in none.
func (s *Store) listsOf(ctx context.Context, ids ...string) ([]lists, error) {
	rows, err := s.rows(ctx, ids, "owner", "provider_session")
	if err != nil {
		return nil, err
	}
	all := make([]lists, len(ids))
	for i, row := range rows {
		all[i] = lists{row["owner"], row["provider_session"]}
	}
	return all, nil
}

// rows returns these fields of sessions, in one round trip. The row of a session that is not there has none.
func (s *Store) rows(ctx context.Context, ids []string, fields ...string) ([]map[string]string, error) {
	answers, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, id := range ids {
			pipe.HMGet(ctx, sessionKey+id, fields...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows := make([]map[string]string, len(ids))
	for i, answer := range answers {
		rows[i] = make(map[string]string, len(fields))
		for j, value := range answer.(*redis.SliceCmd).Val() {
			if text, ok := value.(string); ok {
				rows[i][fields[j]] = text
			}
		}
	}
	return rows, nil
}

// list is one list: the sessions whose field has the value.
type list struct{ field, value string }

func (l list) key() string {
	name := base64.RawURLEncoding.EncodeToString([]byte(l.value))
	if l.field == "owner" {
		return ownerKey + name
	}
	return providerKey + name
}

// few is the least number of entries that SessionsOf asks for: some of them may have ended.
const few = 20

// listedFields are those of a session without data and answer.
var listedFields = []string{
	"kind", "subject", "owner", "provider_session", "current", "last", "rotated", "lease", "expires",
	"started", "seen", "idle", "note", "last_expiry", "version",
}

// SessionsOf is [store.Store.SessionsOf]. It reads the list of IDs and then the sessions, and leaves out a session that was deleted in
// between.
func (s *Store) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) ([]store.Session, error) {
	from := list{"owner", string(of.Owner)}
	if from.value == "" {
		from = list{"provider_session", string(of.ProviderSession)}
	}
	return within(ctx, "sessions of", func() ([]store.Session, error) {
		looked := look{from: from, now: now}
		place := position{below: "+inf"}
		for from.value != "" && len(looked.found) < limit {
			want := min(max(limit-len(looked.found), few), page)
			entries, err := s.client.ZRevRangeByScoreWithScores(ctx, from.key(), &redis.ZRangeBy{Min: "-inf", Max: place.below, Offset: place.skip, Count: int64(want)}).Result()
			if err != nil {
				return nil, err
			}
			if err := s.look(ctx, &looked, entries); err != nil {
				return nil, err
			}
			if len(entries) < want {
				break
			}
			place.after(entries)
		}
		s.tidy(ctx, from, looked.gone)
		return looked.found[:min(len(looked.found), max(limit, 0))], nil
	})
}

// position is how far a list has been read: to some entries of a score, so that one that is added or removed before
// them moves nothing.
type position struct {
	below string // the score that was read last
	skip  int64  // how many entries of that score were
}

func (p *position) after(entries []redis.Z) {
	last := entries[len(entries)-1].Score
	score := strconv.FormatFloat(last, 'f', -1, 64)
	if score != p.below {
		*p = position{below: score}
	}
	for _, entry := range entries {
		if entry.Score == last {
			p.skip++
		}
	}
}

// look is what SessionsOf finds in a list.
type look struct {
	from  list
	now   time.Time
	found []store.Session
	gone  []string // IDs in the list whose keys came to their native end before Purge came
}

// look reads the sessions of some entries.
func (s *Store) look(ctx context.Context, l *look, entries []redis.Z) error {
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.Member.(string))
	}
	rows, err := s.rows(ctx, ids, listedFields...)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if row[l.from.field] != l.from.value {
			l.gone = append(l.gone, ids[i])
			continue
		}
		session, err := readSession(ids[i], row)
		if err != nil {
			return err
		}
		if !over(session, l.now) {
			l.found = append(l.found, session)
		}
	}
	return nil
}

// tidy takes sessions that are not there out of a list. If it fails, the next look does it.
func (s *Store) tidy(ctx context.Context, from list, gone []string) {
	for some := range slices.Chunk(gone, page) {
		keys, arguments := []string{from.key()}, []any{from.field, from.value}
		for _, id := range some {
			keys, arguments = append(keys, sessionKey+id), append(arguments, id)
		}
		_ = tidyScript.Run(ctx, s.client, keys, arguments...).Err()
	}
}
