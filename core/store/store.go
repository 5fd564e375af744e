package store

import (
	"context"
	"errors"
	"time"
)

// What a store's methods return besides errors of its own. A method that fails otherwise has changed nothing, or has done all
// that it was asked for, or does it a moment later, when the server processes what was sent before the connection broke. A
// caller cannot know which, and retries.
var (
	// ErrNotFound says that there is no such session, or that it has ended.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict says that another caller was first: the generation exists, or the version has changed.
	ErrConflict = errors.New("store: conflict")
)

// The kinds of sessions.
const (
	KindToken   = "token"   // a family of refresh tokens of which each follows the one before
	KindBrowser = "browser" // a browser's, found by its cookie
	KindOnce    = "once"    // not a session: a name that may be used once. Of many callers that put it, one gets no ErrConflict
)

// Session is one login. Sealed fields hold secrets of the application and of the user; a store keeps them as they are and
// cannot read them. ID, Kind, Subject, Owner, ProviderSession, Started and Note stay as PutSession wrote them; Seen and Idle
// change by [Store.Touch] alone, all others by [Store.Swap] alone.
//
// A session has ended when its Expires, or an Idle that is set, is not after now. It stays in the store until it is purged.
type Session struct {
	ID      string    // primary key: the claim sid, 43 characters of base64url
	Kind    string    // one of the kinds above; a store does not look at it. At most 16 bytes
	Subject string    // the provider's issuer, a space, its subject; at most 4,096 bytes of UTF-8. For people who read the database
	Current []byte    // SHA-256 of the refresh secret that may be spent; empty: none can
	Last    []byte    // SHA-256 of the one that was spent before; empty at first
	Data    []byte    // sealed; at most 256 KiB
	Answer  []byte    // sealed answer that Last was spent for; empty at first; at most 256 KiB
	Rotated time.Time // when Last was spent; zero at first
	Lease   time.Time // until when a request may be spending Current; zero: none is
	Expires time.Time // the session has ended from then on
	Version int64     // 1 at first, one more with each [Store.Swap]

	// Owner is the SHA-256 of the provider's issuer and its subject, ProviderSession that of the issuer and its claim sid.
	// [Store.SessionsOf] finds the session by either. At most 32 bytes each; empty: not found by it.
	Owner, ProviderSession []byte

	Started time.Time // when the login was
	Seen    time.Time // the last request that [Store.Touch] was told of; zero: none
	Idle    time.Time // the session has ended from then on, unless Touch moves it; zero: only Expires ends it
	Note    []byte    // sealed; at most 1 KiB

	LastExpiry time.Time // when the last of all access tokens expires that were issued for the session; zero: none was
}

// Key is one signing key of the service.
type Key struct {
	Generation int64     // primary key, from 1 upwards: a new key takes the next number, and one of many callers wins
	ID         string    // the kid, at most 255 bytes; not unique
	Sealed     []byte    // the sealed private key; at most 64 KiB
	From       time.Time // from when on it signs; zero: never, it only verifies
	Until      time.Time // until when it verifies; zero: no end is known yet
}

// Revocation says that access tokens of a session are no longer good.
type Revocation struct {
	ID    string    // of the session: the claim sid, or jti of a token without one; at most 255 bytes
	At    time.Time // when it was revoked
	Until time.Time // when the last access token of the session has expired
}

// Selection selects sessions by [Session.Owner] or by [Session.ProviderSession]. Set exactly one field.
type Selection struct{ Owner, ProviderSession []byte }

// Store keeps what all instances of one service share. These comments are the specification of every store; the suite in
// core/store/storetest tests it.
//
// Every method is safe for concurrent use, also by several processes on the same data, and is atomic: it happens whole
// or not at all, and every later read, on any instance, sees it. Reads are never answered by a replica that may lag behind.
//
// A method returns an error when its context ends. No error holds a password, a sealed value or a hash.
// Times come in whole milliseconds and come back equal, in UTC; a zero time comes back zero. Byte slices come
// back equal, an empty one may come back nil; a store does not keep the slices that it is given, and the caller may
// change those that it gets. Texts are any UTF-8, U+0000 too, and are compared byte for byte. A store has no clock: what
// has expired is judged by the now that it is given.
type Store interface {
	// Init makes the tables, or brings those of an earlier release up to date, and nothing else: a schema serves the
	// release before it too. It may be called again, and by many instances at the same moment.
	Init(ctx context.Context) error

	// AddKey adds a signing key. [ErrConflict]: its generation exists.
	AddKey(ctx context.Context, key Key) error
	// RetireKey gives a key that has no Until this one. A key that has one keeps it; an absent one stays absent.
	RetireKey(ctx context.Context, generation int64, until time.Time) error
	// Keys returns all signing keys by generation, also those whose Until has passed.
	Keys(ctx context.Context) ([]Key, error)

	// PutSession adds a session. [ErrConflict]: its ID exists, even if that session has ended.
	PutSession(ctx context.Context, session Session) error
	// Session returns a session. [ErrNotFound]: there is none, or it has ended at now.
	Session(ctx context.Context, id string, now time.Time) (Session, error)
	// Swap puts session in the place of the stored one with the same ID and the same Version, with Version one more. Kind,
	// Subject, Owner, ProviderSession, Started, Seen, Idle and Note stay. [ErrConflict]: the stored one has another Version, or
	// there is none. It does not matter whether the session has ended.
	Swap(ctx context.Context, session Session) error
	// Touch sets Seen and Idle of a session to these times, each only if the stored one is earlier: of concurrent calls the
	// latest of each time stays. A zero time is the earliest: it changes nothing, and a session without Idle gets one.
	// Version stays, so a concurrent Swap succeeds. [ErrNotFound]: there is none. It does not matter whether the session has ended.
	Touch(ctx context.Context, id string, seen, idle time.Time) error
	// SessionsOf returns the sessions of a selection that have not ended at now, without Data and Answer, the one that started
	// last first. It returns at most limit of them; none if limit is below 1, or if the selection is empty. It reads no
	// sessions of other selections, however many there are.
	SessionsOf(ctx context.Context, of Selection, now time.Time, limit int) ([]Session, error)
	// Revoke deletes a session and adds it to the feed, both or neither. version is that of the session to be deleted:
	// [ErrConflict] when the stored one has another, or there is none. version 0 deletes whatever is there, if anything,
	// and adds to the feed always. What is in the feed stays there until then at least: a second revocation of the same
	// ID makes At the later one and Until the later one of both.
	Revoke(ctx context.Context, id string, version int64, now, until time.Time) error
	// Revoked returns what was revoked at since or later and whose Until is after now, in any order. Callers
	// ask again for what they have read: clocks of instances differ, and what was revoked earlier may become visible later.
	Revoked(ctx context.Context, since, now time.Time) ([]Revocation, error)
	// RevokedAmong returns what is in the feed under these IDs and whose Until is after now, in any order. ids has at most 100,
	// each once.
	RevokedAmong(ctx context.Context, ids []string, now time.Time) ([]Revocation, error)

	// Purge deletes sessions, revocations and keys that have ended (Until not after now; a key without Until stays), some
	// thousands of each kind in one call at most, and returns how many. It does not disturb concurrent callers: a session
	// that ended may be gone before [Store.Swap] or [Store.Touch], never one that has not.
	Purge(ctx context.Context, now time.Time) (int, error)
	// Close closes what the store has opened itself, never a handle that it was given. It may be called again.
	Close() error
}

// Local is a store that no other machine sees. A service that configures no SecretKeys gets one of its own with it: in a
// file beside the data, or for the life of the process.
type Local interface {
	Store
	// SecretFile returns the path of the file for the secret key; "" when the data ends with the process. ok is false
	// when the store turns out not to be local after all.
	SecretFile() (path string, ok bool)
}
