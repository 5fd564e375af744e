package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	batch     = 200 // rows added at once
	shortData = 512 // bytes of sealed data in a short row: a million full ones would fill the disk
)

// short returns a copy of a row with little data.
func short(row store.Session) store.Session {
	row.Data, row.Answer = random(shortData), []byte{}
	return row
}

// length returns the bytes of a row's values, eight for each time and version.
func length(row store.Session) int {
	return len(row.ID) + len(row.Kind) + len(row.Subject) + len(row.Owner) + len(row.ProviderSession) + len(row.Current) + len(row.Last) +
		len(row.Data) + len(row.Answer) + len(row.Note) + 8*8
}

// seeded describes rows that were added: bytes of one on average, as [length] counts them and as the database stores them.
type seeded struct{ length, stored float64 }

// seed adds rows like this one, a whole number of batches.
func (b *bare) seed(ctx context.Context, like store.Session, rows int) (size seeded, err error) {
	return b.growing(ctx, rows, func() (int64, error) { return b.addAll(ctx, like, rows/batch) })
}

// seedServer adds rows that the server makes.
func (b *bare) seedServer(ctx context.Context, rows int) (size seeded, err error) {
	return b.growing(ctx, rows, func() (int64, error) { return b.generate(ctx, rows) })
}

// growing measures what rows add, which add makes; it returns the bytes of their values.
func (b *bare) growing(ctx context.Context, rows int, add func() (int64, error)) (size seeded, err error) {
	if err := b.settle(ctx); err != nil {
		return size, err
	}
	before, err := b.size(ctx)
	if err != nil {
		return size, err
	}
	bytes, err := add()
	if err != nil {
		return size, err
	}
	if err := b.settle(ctx); err != nil {
		return size, err
	}
	after, err := b.size(ctx)
	return seeded{float64(bytes) / float64(rows), float64(after-before) / float64(rows)}, err
}

// addAll adds batches and returns the bytes of all their rows.
func (b *bare) addAll(ctx context.Context, like store.Session, batches int) (int64, error) {
	var next, bytes atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, b.adders)
	for i := range errs {
		all.Go(func() {
			for n := next.Add(1) - 1; n < int64(batches) && errs[i] == nil; n = next.Add(1) - 1 {
				rows := spreadOut(like, uint64(n), uint64(batches))
				for _, row := range rows {
					bytes.Add(int64(length(row)))
				}
				errs[i] = b.add(ctx, rows)
			}
		})
	}
	all.Wait()
	return bytes.Load(), errors.Join(errs...)
}

// perPerson is how many sessions a person has on average among the rows that are added.
const perPerson = 4

// spreadOut returns one of many batches, with sessions of people at random. IDs are random except for their beginning, which rises
// from batch to batch: together they are as evenly spread as real ones, and the IDs of one batch are close to each other in the database.
func spreadOut(like store.Session, n, batches uint64) []store.Session {
	rows := make([]store.Session, batch)
	step := math.MaxUint64 / (batches * batch)
	for i := range rows {
		name := random(32)
		binary.BigEndian.PutUint64(name, (n*batch+uint64(i))*step)
		rows[i] = sessionOf(like, rand.Uint64N(batches*batch/perPerson))
		rows[i].ID, rows[i].Version = encode(name), 1
	}
	return rows
}

// sessionOf returns a session of a person, with data like another's. Of a hundred sessions, sixty are of browsers, 38 have refresh
// tokens, and two are names that may be used once. A person has up to three sessions at the provider.
func sessionOf(like store.Session, person uint64) store.Session {
	now, row := time.Now().Truncate(time.Millisecond), like
	within := func(d time.Duration) time.Duration { return rand.N(d).Truncate(time.Millisecond) }
	subject := encode(digest(person)[:27])
	row.Subject, row.Owner = issuer+" "+subject, ownerOf(subject)
	row.ProviderSession = digest(3*person+rand.Uint64N(3), 's')
	row.Started, row.Expires = now.Add(-within(24*time.Hour)), now.Add(time.Hour+within(maxLeft-time.Hour))
	switch kind := rand.IntN(100); {
	case kind < 60:
		row.Kind, row.Last, row.Answer, row.Rotated, row.Lease, row.LastExpiry = store.KindBrowser, nil, nil, time.Time{}, time.Time{}, time.Time{}
		row.Seen, row.Note = now.Add(-within(time.Hour)), random(noteSize)
		row.Idle = row.Seen.Add(12 * time.Hour)
	case kind < 98:
		row.Kind = store.KindToken
	default:
		row = store.Session{Kind: store.KindOnce, Started: row.Started, Expires: row.Expires}
	}
	return row
}

const (
	maxLeft  = 7 * 24 * time.Hour // until the end of a session, at most
	noteSize = 160                // bytes of a sealed User-Agent
)

// digest returns 32 bytes that belong to a number, and look random.
func digest(n uint64, kind ...byte) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(kind, n))
	return sum[:]
}

// ownerOf returns the hash of a person, as core makes it.
func ownerOf(subject string) []byte {
	sum := sha256.Sum256([]byte("owner\x00" + issuer + "\x00" + subject))
	return sum[:]
}
