package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

func differenceOfLists(want, got []store.Session) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d sessions, want %d", len(got), len(want))
	}
	for i, session := range want {
		session.Data, session.Answer = nil, nil
		if diff := differenceOfSessions(session, got[i]); diff != "" {
			return fmt.Sprintf("at %d: %s", i, diff)
		}
	}
	return ""
}

func differenceOfSessions(want, got store.Session) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("ID is %q, want %q", got.ID, want.ID)
	case got.Kind != want.Kind:
		return fmt.Sprintf("Kind is %q, want %q", got.Kind, want.Kind)
	case got.Subject != want.Subject:
		return fmt.Sprintf("Subject is %s, want %s", short([]byte(got.Subject)), short([]byte(want.Subject)))
	case got.Version != want.Version:
		return fmt.Sprintf("Version is %d, want %d", got.Version, want.Version)
	}
	return first(
		differenceOfBytes("Current", want.Current, got.Current), differenceOfBytes("Last", want.Last, got.Last),
		differenceOfBytes("Data", want.Data, got.Data), differenceOfBytes("Answer", want.Answer, got.Answer),
		differenceOfTimes("Rotated", want.Rotated, got.Rotated), differenceOfTimes("Lease", want.Lease, got.Lease),
		differenceOfTimes("Expires", want.Expires, got.Expires), differenceOfTimes("Started", want.Started, got.Started),
		differenceOfBytes("Owner", want.Owner, got.Owner), differenceOfBytes("ProviderSession", want.ProviderSession, got.ProviderSession),
		differenceOfTimes("Seen", want.Seen, got.Seen), differenceOfTimes("Idle", want.Idle, got.Idle), differenceOfBytes("Note", want.Note, got.Note),
		differenceOfTimes("LastExpiry", want.LastExpiry, got.LastExpiry),
	)
}

func differenceOfKeys(want, got []store.Key) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d, want %d", len(got), len(want))
	}
	for i, key := range want {
		if got[i].Generation != key.Generation || got[i].ID != key.ID {
			return fmt.Sprintf("at %d is %d %q, want %d %q", i, got[i].Generation, got[i].ID, key.Generation, key.ID)
		}
		diff := first(differenceOfBytes("Sealed", key.Sealed, got[i].Sealed), differenceOfTimes("From", key.From, got[i].From),
			differenceOfTimes("Until", key.Until, got[i].Until))
		if diff != "" {
			return fmt.Sprintf("generation %d: %s", key.Generation, diff)
		}
	}
	return ""
}

func differenceOfFeeds(want, got []store.Revocation) string {
	byID := func(a, b store.Revocation) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) }
	want, got = slices.SortedFunc(slices.Values(want), byID), slices.SortedFunc(slices.Values(got), byID)
	if len(got) != len(want) {
		return fmt.Sprintf("%d entries, want %d", len(got), len(want))
	}
	for i, entry := range want {
		if got[i].ID != entry.ID {
			return fmt.Sprintf("ID is %q, want %q", got[i].ID, entry.ID)
		}
		if diff := first(differenceOfTimes("At", entry.At, got[i].At), differenceOfTimes("Until", entry.Until, got[i].Until)); diff != "" {
			return fmt.Sprintf("%q: %s", entry.ID, diff)
		}
	}
	return ""
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func differenceOfBytes(name string, want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %s, want %s", name, short(got), short(want))
}

// differenceOfTimes demands the same moment, the same zero, and UTC.
func differenceOfTimes(name string, want, got time.Time) string {
	if got.Equal(want) && got.IsZero() == want.IsZero() && got.Location() == time.UTC {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", name, got, want)
}

func short(value []byte) string {
	const most = 24
	if len(value) <= most {
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf("%q… of %d bytes", value[:most], len(value))
}
