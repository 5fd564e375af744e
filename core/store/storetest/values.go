package storetest

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// valueChecks hold "Times come in whole milliseconds and come back equal, in UTC; a zero time comes back
// zero. Byte slices come back equal, an empty one may come back nil; a store does not keep the slices that it is given,
// and the caller may change those that it gets. Texts are compared byte for byte."
func valueChecks() []check {
	return []check{
		{"every field of a session comes back", sessionComesBack},
		{"every field of a swapped session comes back", swappedComesBack},
		{"every field of a key comes back", keyComesBack},
		{"bytes come back equal", bytesComeBack},
		{"times come back equal and in UTC", timesComeBack},
		{"times of another zone come back in UTC", timesOfAnotherZone},
		{"times of keys and revocations come back equal", timesOfOthersComeBack},
		{"texts come back byte for byte", textsComeBack},
		{"ids are compared byte for byte", idsAreExact},
		{"the longest ids", longestIDs},
		{"slices that were given are not kept", givenSlices},
		{"slices that come back are the caller's", returnedSlices},
		{"what one instance wrote, every other reads", readAfterWrite},
		{"every kind and the longest note come back", kindsComeBack},
		{"times of Touch come back equal", touchedTimesComeBack},
	}
}

func sessionComesBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	full := newSession()
	bare := store.Session{ID: newID(), Subject: "s", Data: []byte("d"), Expires: after(time.Hour), Version: 1}
	put(t, db, full, bare)
	wantStored(t, db, full)
	wantStored(t, db, bare)
}

func swappedComesBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	put(t, db, session)
	session.Current, session.Last, session.Data, session.Answer = hash(3), hash(4), []byte("new data"), []byte("new answer")
	session.Rotated, session.Lease, session.Expires, session.LastExpiry = after(time.Second), time.Time{}, after(2*time.Hour), after(3*time.Hour)
	must(t, "Swap", db.Swap(within(t), session))
	session.Version = 2
	wantStored(t, db, session)
	session.Current, session.Last, session.Answer, session.Rotated, session.LastExpiry = nil, nil, nil, time.Time{}, time.Time{}
	must(t, "Swap", db.Swap(within(t), session))
	session.Version = 3
	wantStored(t, db, session)
}

func kindsComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, kind := range []string{"", store.KindToken, store.KindBrowser, store.KindOnce, strings.Repeat("x", 16), "Browser", "browser ", "a\x00b"} {
		session := newSession()
		session.Kind, session.Note = kind, bytes.Repeat([]byte{0xfe, 0}, 512)
		put(t, db, session)
		wantStored(t, db, session)
		wantSessions(t, db, store.Selection{Owner: session.Owner}, session)
	}
}

func keyComesBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	keys := []store.Key{
		{Generation: 1, ID: "first", Sealed: []byte("sealed"), From: after(0), Until: after(time.Hour)},
		{Generation: 2, ID: "never signs", Sealed: []byte("s"), Until: after(time.Hour)},
		{Generation: 3, ID: "no end yet", Sealed: bytes.Repeat([]byte{0xfe, 0}, 32<<10), From: after(time.Minute)},
		{Generation: 4, ID: "first", Sealed: []byte("of the same kid")},
	}
	addKeys(t, db, keys...)
	wantKeys(t, db, keys...)
}

// awkwardBytes are values that a database may take for a text, for nothing, or for too much.
func awkwardBytes() map[string][]byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string][]byte{
		"nil": nil, "empty": {}, "a NUL": {0}, "NULs around": []byte("\x00a\x00"), "not UTF-8": {0xff, 0xfe, 0xc0, 0x80},
		"quotes": []byte(`'"\';--` + "`$1?:x%s"), "every byte": all, "spaces": []byte("  a  "), "line ends": []byte("\r\n\n\r"),
		"a number": []byte("1"), "256 KiB": bytes.Repeat(all, 1<<10),
	}
}

func bytesComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	for name, value := range awkwardBytes() {
		session := newSession()
		session.Data, session.Answer = value, value
		if len(value) <= 256 {
			session.Current, session.Last, session.Note = value, value, value
		}
		if len(value) <= 32 {
			session.Owner, session.ProviderSession = value, value
		}
		put(t, db, session)
		wantStored(t, db, session)
		session.Lease = time.Time{}
		must(t, "Swap with "+name, db.Swap(within(t), session))
		session.Version++
		wantStored(t, db, session)
	}
}

// awkwardTimes are the ends of what databases and their drivers can say, or mistake for something else.
func awkwardTimes() map[string]time.Time {
	return map[string]time.Time{
		"zero": {}, "after zero": time.Time{}.Add(time.Millisecond), "1899": time.Date(1899, 12, 31, 23, 59, 59, 999e6, time.UTC),
		"before 1970": time.UnixMilli(-1).UTC(), "1970": time.UnixMilli(0).UTC(), "after 1970": time.UnixMilli(1).UTC(),
		"2001": epoch, "2038": time.Unix(1<<31, 0).UTC(), "summer time": time.Date(2026, 3, 29, 1, 30, 0, 1e6, time.UTC),
		"leap day": time.Date(2400, 2, 29, 0, 0, 0, 0, time.UTC), "9999": time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	}
}

func timesComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	for name, moment := range awkwardTimes() {
		session := newSession()
		session.Rotated, session.Lease, session.Started, session.LastExpiry = moment, moment, moment, moment
		session.Seen, session.Idle = moment, moment
		if !moment.IsZero() {
			session.Expires = moment
		}
		put(t, db, session)
		wantStored(t, db, session)
		must(t, "Swap with "+name, db.Swap(within(t), session))
		session.Version++
		wantStored(t, db, session)
	}
}

// touchedTimesComeBack moves a session along the awkward times, each of which is later than all before.
func touchedTimesComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	session.Seen, session.Idle, session.Expires = time.Time{}, time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	put(t, db, session)
	for _, moment := range slices.SortedFunc(maps.Values(awkwardTimes()), time.Time.Compare) {
		must(t, "Touch", db.Touch(within(t), session.ID, moment, moment))
		session.Seen, session.Idle = moment, moment
		wantStored(t, db, session)
	}
}

// timesOfAnotherZone: the moment is what is stored, whatever zone it was said in.
func timesOfAnotherZone(t testing.TB, backend Backend) {
	db := open(t, backend)
	east := time.FixedZone("east", 5*3600+1800)
	session, key := newSession(), newKey(1)
	session.Rotated, session.Lease, session.Expires = after(0).In(east), after(1e9).In(east), after(time.Hour).In(east)
	session.Started, session.LastExpiry = after(-time.Hour).In(east), after(time.Minute).In(east)
	session.Seen, session.Idle = after(-time.Second).In(east), after(time.Minute).In(east)
	key.From, key.Until = after(0).In(east), after(time.Hour).In(east)
	put(t, db, session)
	addKeys(t, db, key)
	wantStored(t, db, session)
	wantKeys(t, db, key)
	session.Seen, session.Idle = after(1e9), after(time.Hour)
	must(t, "Touch", db.Touch(within(t), session.ID, session.Seen.In(east), session.Idle.In(east)))
	wantStored(t, db, session)
	must(t, "Revoke", db.Revoke(within(t), "id", 0, after(0).In(east), after(time.Hour).In(east)))
	wantFeed(t, db, store.Revocation{ID: "id", At: after(0), Until: after(time.Hour)})
}

func timesOfOthersComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	var keys []store.Key
	var entries []store.Revocation
	for _, moment := range awkwardTimes() {
		key := newKey(int64(len(keys) + 1))
		key.From, key.Until = moment, moment
		keys = append(keys, key)
		if moment.IsZero() {
			continue // nobody revokes then
		}
		entry := store.Revocation{ID: newID(), At: moment, Until: moment}
		must(t, "Revoke", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
		entries = append(entries, entry)
	}
	addKeys(t, db, keys...)
	wantKeys(t, db, keys...)
	wantFeed(t, db, entries...)
}

func givenSlices(t testing.TB, backend Backend) {
	db := open(t, backend)
	session, key := newSession(), newKey(1)
	wantSession, wantKey := cloneSession(session), cloneKey(key)
	put(t, db, session)
	addKeys(t, db, key)
	scribble(slicesOf(session, key.Sealed)...)
	wantStored(t, db, wantSession)
	wantSessions(t, db, store.Selection{Owner: wantSession.Owner}, wantSession)
	wantKeys(t, db, wantKey)

	session = cloneSession(wantSession)
	must(t, "Swap", db.Swap(within(t), session))
	scribble(slicesOf(session)...)
	wantSession.Version++
	wantStored(t, db, wantSession)
}

func returnedSlices(t testing.TB, backend Backend) {
	db := open(t, backend)
	session, key := newSession(), newKey(1)
	put(t, db, session)
	addKeys(t, db, key)
	got, err := db.Session(within(t), session.ID, after(0))
	must(t, "Session", err)
	keys, err := db.Keys(within(t))
	must(t, "Keys", err)
	if len(keys) != 1 {
		t.Fatalf("%d keys, want 1", len(keys))
	}
	scribble(slicesOf(got, keys[0].Sealed)...)
	wantStored(t, db, session)
	wantKeys(t, db, key)
	list, err := db.SessionsOf(within(t), store.Selection{Owner: session.Owner}, after(0), 1)
	must(t, "SessionsOf", err)
	for _, found := range list {
		scribble(slicesOf(found)...)
	}
	wantStored(t, db, session)
	wantSessions(t, db, store.Selection{Owner: session.Owner}, session)
}

// slicesOf returns the slices of a session, and others after them.
func slicesOf(s store.Session, others ...[]byte) [][]byte {
	return append([][]byte{s.Current, s.Last, s.Data, s.Answer, s.Owner, s.ProviderSession, s.Note}, others...)
}

func scribble(slices ...[]byte) {
	for _, slice := range slices {
		for i := range slice {
			slice[i] ^= 0xff
		}
	}
}

func cloneSession(s store.Session) store.Session {
	s.Current, s.Last, s.Data, s.Answer = bytes.Clone(s.Current), bytes.Clone(s.Last), bytes.Clone(s.Data), bytes.Clone(s.Answer)
	s.Owner, s.ProviderSession, s.Note = bytes.Clone(s.Owner), bytes.Clone(s.ProviderSession), bytes.Clone(s.Note)
	return s
}

func cloneKey(key store.Key) store.Key {
	key.Sealed = bytes.Clone(key.Sealed)
	return key
}

// readAfterWrite holds "every later read, on any instance, sees it".
func readAfterWrite(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 3)
	for round := range 20 {
		writer, reader := stores[round%3], stores[(round+1)%3]
		session, key := newSession(), newKey(int64(round+1))
		put(t, writer, session)
		wantStored(t, reader, session)
		must(t, "Swap", writer.Swap(within(t), session))
		session.Version++
		wantStored(t, reader, session)
		session.Seen, session.Idle = after(1e9), after(3*time.Hour)
		must(t, "Touch", writer.Touch(within(t), session.ID, session.Seen, session.Idle))
		wantStored(t, reader, session)
		wantSessions(t, reader, store.Selection{Owner: session.Owner}, session)
		wantSessions(t, reader, store.Selection{ProviderSession: session.ProviderSession}, session)
		addKeys(t, writer, key)
		must(t, "RetireKey", writer.RetireKey(within(t), key.Generation, after(time.Hour)))
		keys, err := reader.Keys(within(t))
		must(t, "Keys", err)
		if len(keys) != round+1 || !keys[round].Until.Equal(after(time.Hour)) {
			t.Errorf("another instance sees %d keys, want %d, the last with its end", len(keys), round+1)
		}
		must(t, "Revoke", writer.Revoke(within(t), session.ID, 2, after(0), after(time.Hour)))
		wantAbsent(t, reader, session.ID)
		wantSessions(t, reader, store.Selection{Owner: session.Owner})
		wantRevoked(t, reader, []string{session.ID}, store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
		if got := len(feed(t, reader)); got != round+1 {
			t.Errorf("another instance sees %d revocations, want %d", got, round+1)
		}
	}
}
