package redisstore_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/redis/go-redis/v9"
)

// Keys of the lists that browserSession is in: base64url of "owner" and of "provider".
const (
	ownersList   = "{oidcauth}:owner:b3duZXI"
	providerList = "{oidcauth}:provider:cHJvdmlkZXI"
)

// browserSession has an owner, a session at the provider and an Idle.
func browserSession(id string) store.Session {
	s := session(id)
	s.Kind, s.Owner, s.ProviderSession, s.Note = store.KindBrowser, []byte("owner"), []byte("provider"), []byte("n")
	s.Started, s.Seen, s.Idle = now.Add(-time.Hour), now.Add(-time.Minute), now.Add(30*time.Minute)
	return s
}

// keysOf lists the keys of the server but for those of the feed.
func keysOf(t *testing.T, client *redis.Client) (found []string) {
	t.Helper()
	all, err := client.Keys(within(t), "*").Result()
	must(t, "KEYS", err)
	for _, key := range all {
		if key != "{oidcauth}:revoked" && key != "{oidcauth}:revoked:at" && key != "{oidcauth}:revoked:until" {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

// listed returns the IDs that SessionsOf finds by the owner and by the session at the provider, which are to be the same.
func listed(t *testing.T, db store.Store, at time.Time, limit int) (ids []string) {
	t.Helper()
	var both [2][]string
	for i, of := range []store.Selection{{Owner: []byte("owner")}, {ProviderSession: []byte("provider")}} {
		found, err := db.SessionsOf(within(t), of, at, limit)
		must(t, "SessionsOf", err)
		for _, s := range found {
			both[i] = append(both[i], s.ID)
		}
	}
	if !slices.Equal(both[0], both[1]) {
		t.Errorf("by the owner %v, by the session at the provider %v", both[0], both[1])
	}
	return both[0]
}

// Lists go with the last session that is in them: revoked, or purged for its Idle or its Expires.
func TestListsVanish(t *testing.T) {
	s := ownServer(t)
	db, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	for name, end := range map[string]func(t *testing.T, a, b store.Session){
		"Revoke": func(t *testing.T, a, b store.Session) {
			must(t, "Revoke", db.Revoke(within(t), "a", 1, now, now.Add(time.Hour)))
			if ids := listed(t, db, now, 10); !slices.Equal(ids, []string{"b"}) {
				t.Errorf("after one revocation: %v", ids)
			}
			must(t, "Revoke", db.Revoke(within(t), "b", 0, now, now.Add(time.Hour)))
		},
		"Purge after Idle": func(t *testing.T, a, b store.Session) {
			must(t, "Swap", db.Swap(within(t), a))
			if n, err := db.Purge(within(t), a.Idle); n != 2 || err != nil {
				t.Errorf("Purge: %d, %v", n, err)
			}
		},
		"Purge after Expires": func(t *testing.T, a, b store.Session) {
			must(t, "Touch", db.Touch(within(t), "a", now, now.Add(9*time.Hour)))
			if n, err := db.Purge(within(t), a.Idle); n != 1 || err != nil {
				t.Errorf("Purge of the other: %d, %v", n, err)
			}
			if n, err := db.Purge(within(t), a.Expires); n != 1 || err != nil {
				t.Errorf("Purge: %d, %v", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, "FLUSHALL", client.FlushAll(within(t)).Err())
			a, b := browserSession("a"), browserSession("b")
			must(t, "PutSession", db.PutSession(within(t), a))
			must(t, "PutSession", db.PutSession(within(t), b))
			want := []string{ownersList, providerList, "{oidcauth}:session:a", "{oidcauth}:session:b", "{oidcauth}:sessions"}
			if keys := keysOf(t, client); !slices.Equal(keys, want) {
				t.Errorf("keys are %q, want %q", keys, want)
			}
			end(t, a, b)
			if keys := keysOf(t, client); len(keys) != 0 {
				t.Errorf("left: %q", keys)
			}
		})
	}
}

// An empty owner makes no list.
func TestNoLists(t *testing.T) {
	s := ownServer(t)
	db := storetest.OpenURL(t, "redis://"+s.address)
	must(t, "PutSession", db.PutSession(within(t), session("a")))
	if keys := keysOf(t, s.client()); !slices.Equal(keys, []string{"{oidcauth}:session:a", "{oidcauth}:sessions"}) {
		t.Errorf("keys are %q", keys)
	}
}

// wantLeft checks that a key's native end is so far away.
func wantLeft(t *testing.T, client *redis.Client, key string, want time.Duration) {
	t.Helper()
	left, err := client.PTTL(within(t), key).Result()
	if err != nil || left > want+time.Minute || left < want-20*time.Minute {
		t.Errorf("%s: %v left, want %v, %v", key, left, want, err)
	}
}

// A list goes by itself after the last of its sessions, whichever comes first and whatever a swap takes the owner for. A
// session that nobody touches stays until a day after Expires: it may be touched until then.
func TestListsNativeEnd(t *testing.T) {
	const day = 24 * time.Hour
	s := ownServer(t)
	db, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	step := func(expires time.Duration, do func(store.Session) error, one store.Session, want time.Duration) {
		t.Helper()
		one.Expires = now.Add(expires)
		must(t, "write", do(one))
		wantLeft(t, client, "{oidcauth}:session:"+one.ID, day+expires)
		wantLeft(t, client, ownersList, day+want)
		wantLeft(t, client, providerList, day+want)
	}
	put := func(one store.Session) error { return db.PutSession(within(t), one) }
	swap := func(one store.Session) error { return db.Swap(within(t), one) }
	step(5*time.Hour, put, browserSession("a"), 5*time.Hour)
	step(2*time.Hour, put, browserSession("b"), 5*time.Hour)
	step(7*time.Hour, put, browserSession("c"), 7*time.Hour)
	step(9*time.Hour, swap, browserSession("b"), 9*time.Hour)
	stranger := browserSession("c")
	stranger.Owner, stranger.ProviderSession = []byte("another"), nil
	step(11*time.Hour, swap, stranger, 11*time.Hour)
	step(3*time.Hour, swap, browserSession("a"), 11*time.Hour)
	must(t, "Touch", db.Touch(within(t), "a", now, now.Add(2*time.Hour)))
	wantLeft(t, client, "{oidcauth}:session:a", day+3*time.Hour)
	if keys := keysOf(t, client); len(keys) != 6 {
		t.Errorf("keys are %q", keys)
	}
}

// A write looks at the server's clock once if the end of its session moves, and not at all if it stays, as at the start of a refresh.
func TestNativeEndClock(t *testing.T) {
	s := ownServer(t)
	db, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	step := func(name string, want string, do func(store.Session) error, one store.Session) {
		t.Helper()
		must(t, "reset", client.ConfigResetStat(within(t)).Err())
		must(t, name, do(one))
		stats, err := client.Info(within(t), "commandstats").Result()
		must(t, "Info", err)
		if _, calls, _ := strings.Cut(stats, "cmdstat_time:calls="); !strings.HasPrefix(calls+",", want) {
			t.Errorf("%s: %.1s looks at the clock, want %q", name, calls, want)
		}
	}
	put := func(one store.Session) error { return db.PutSession(within(t), one) }
	swap := func(one store.Session) error { return db.Swap(within(t), one) }
	one := browserSession("a")
	step("PutSession", "1,", put, one)
	one.Lease = now.Add(time.Minute)
	step("Swap of the lease", ",", swap, one)
	one.Version, one.Expires = 2, one.Expires.Add(time.Hour)
	step("Swap of the end", "1,", swap, one)
}

// A session whose key came to its native end is found no more and leaves the list; one that took its ID is another
// owner's and not found by it.
func TestGoneBeforePurge(t *testing.T) {
	s := ownServer(t)
	db, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	for _, id := range []string{"a", "b", "c"} {
		must(t, "PutSession", db.PutSession(within(t), browserSession(id)))
	}
	must(t, "DEL", client.Del(within(t), "{oidcauth}:session:a", "{oidcauth}:session:b").Err())
	other := browserSession("b")
	other.Owner, other.ProviderSession = []byte("x"), []byte("y")
	must(t, "PutSession", db.PutSession(within(t), other))
	if ids := listed(t, db, now, 10); !slices.Equal(ids, []string{"c"}) {
		t.Errorf("found %v", ids)
	}
	for _, key := range []string{ownersList, providerList} {
		if ids, err := client.ZRange(within(t), key, 0, -1).Result(); !slices.Equal(ids, []string{"c"}) {
			t.Errorf("%s holds %v, %v", key, ids, err)
		}
	}
	found, err := db.SessionsOf(within(t), store.Selection{Owner: []byte("x")}, now, 10)
	if err != nil || len(found) != 1 || found[0].ID != "b" {
		t.Errorf("the other owner has %v, %v", found, err)
	}
}

// A limit is filled from behind many sessions that have ended, also when all of them started at one moment.
func TestSessionsOfPages(t *testing.T) {
	const ended, live = 130, 45
	for name, apart := range map[string]time.Duration{"one after the other": time.Millisecond, "at one moment": 0} {
		t.Run(name, func(t *testing.T) {
			db := storetest.OpenURL(t, "redis://"+ownServer(t).address)
			for i := range ended + live {
				one := browserSession(fmt.Sprintf("%04d", ended+live-i))
				one.Started = one.Started.Add(-time.Duration(i) * apart)
				if i < ended && i%2 == 0 {
					one.Expires = now
				} else if i < ended {
					one.Idle = now
				}
				must(t, "PutSession", db.PutSession(within(t), one))
			}
			for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, 20: 20, 41: 41, live: live, 1000: live} {
				ids := listed(t, db, now, limit)
				if len(ids) != want || !slices.IsSortedFunc(ids, func(a, b string) int { return cmp.Compare(b, a) }) || len(slices.Compact(ids)) != want {
					t.Errorf("limit %d: %d found: %v", limit, len(ids), ids)
				}
			}
		})
	}
}

// Data and Answer are not even asked for.
func TestSessionsOfAsksForLittle(t *testing.T) {
	s := ownServer(t)
	db, client := storetest.OpenURL(t, "redis://"+s.address), s.client()
	one := browserSession("a")
	one.Data, one.Answer = make([]byte, 256<<10), make([]byte, 256<<10)
	must(t, "PutSession", db.PutSession(within(t), one))
	before := sent(t, client)
	found, err := db.SessionsOf(within(t), store.Selection{Owner: one.Owner}, now, 10)
	if err != nil || len(found) != 1 || found[0].Data != nil || found[0].Answer != nil || string(found[0].Note) != "n" {
		t.Errorf("found %d, %v", len(found), err)
	}
	if n := sent(t, client) - before; n > 32<<10 {
		t.Errorf("the server sent %d bytes", n)
	}
}

// sent is how many bytes the server has sent so far.
func sent(t *testing.T, client *redis.Client) (n int) {
	t.Helper()
	text, err := client.InfoMap(within(t), "stats").Result()
	must(t, "INFO", err)
	_, err = fmt.Sscan(text["Stats"]["total_net_output_bytes"], &n)
	must(t, "the number", err)
	return n
}
