package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// awkwardTexts are texts that a database may shorten, fold or normalise: each differs from all others.
func awkwardTexts() []string {
	return []string{
		"a", "A", "a ", " a", "a\t", "a\n", "\u00e9", "e\u0301", "\u00c9", "e", "ss", "\u00df", "i", "I", "\u0131", "\u0130", "ﬁ", "fi",
		"\U0001f511", "a\u200bb", "ab", `a\b`, "a'b", `a"b`, "a%b", "a_b", "a*b", "a?b", "a:b", "a{b}", "null", "NULL", "0", "00", "1e0", "1",
		"a\x00b", "\x00", "a\x00",
	}
}

func textsComeBack(t testing.TB, backend Backend) {
	db := open(t, backend)
	long := strings.Repeat("\u00e9", 2048) // 4,096 bytes
	for _, text := range append(awkwardTexts(), "", strings.Repeat("x", 4096), long, strings.Repeat(" ", 4096)) {
		session := newSession()
		session.Subject = text
		put(t, db, session)
		wantStored(t, db, session)
	}
}

func idsAreExact(t testing.TB, backend Backend) {
	db := open(t, backend)
	var keys []store.Key
	var entries []store.Revocation
	for i, text := range awkwardTexts() {
		key := newKey(int64(i + 1))
		key.ID = text
		keys = append(keys, key)
		entry := store.Revocation{ID: text, At: after(time.Duration(i) * time.Second), Until: after(time.Hour)}
		must(t, "Revoke", db.Revoke(within(t), text, 0, entry.At, entry.Until))
		entries = append(entries, entry)
	}
	addKeys(t, db, keys...)
	wantKeys(t, db, keys...)
	wantFeed(t, db, entries...)

	lower, upper := newSession(), newSession()
	upper.ID = strings.ToUpper(lower.ID)
	put(t, db, lower)
	for _, other := range []string{upper.ID, lower.ID + " ", " " + lower.ID, lower.ID[:42], lower.ID + "\n", "", "%", "*"} {
		wantAbsent(t, db, other)
	}
	put(t, db, upper)
	wantStored(t, db, lower)
	must(t, "Revoke", db.Revoke(within(t), upper.ID, 1, after(0), after(time.Hour)))
	wantAbsent(t, db, upper.ID)
	wantStored(t, db, lower)
}

func longestIDs(t testing.TB, backend Backend) {
	db := open(t, backend)
	stem := strings.Repeat("\u00e9", 127) // 254 bytes; the one that follows tells them apart
	entries := []store.Revocation{{ID: stem + "a", At: after(0), Until: after(time.Hour)}, {ID: stem + "b", At: after(1e9), Until: after(time.Minute)}}
	keys := []store.Key{newKey(1), newKey(2)}
	for i, entry := range entries {
		must(t, "Revoke", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
		keys[i].ID = entry.ID
	}
	addKeys(t, db, keys...)
	wantKeys(t, db, keys...)
	wantFeed(t, db, entries...)
}
