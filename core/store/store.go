package store

import (
	"context"
	"errors"
	"time"
)

// The errors that every store returns for these two cases; test for them with [errors.Is]. Any other error is a failure of the database
// or the end of the context. After such an error the method has changed nothing, or has done all of its work, or the work is done a moment
// later, when the server processes what was sent before the connection broke. The caller cannot know which, and retries.
var (
	// ErrNotFound says that there is no such session, or that it has ended.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict says that another caller was first: the generation or the ID exists, or the version has changed.
	ErrConflict = errors.New("store: conflict")
)

// Values of [Session.Kind].
const (
	KindToken   = "token"   // a session whose refresh token is rotated at each refresh
	KindBrowser = "browser" // a browser session, found by its cookie
	KindOnce    = "once"    // not a session: an ID that can be used once. PutSession succeeds for one caller; others get ErrConflict until Purge deletes it
)

// Session is one login. Package core encrypts the fields that are called sealed, because they contain secrets of the application and of
// the user; a store does not read them. ID, Kind, Subject, Owner, ProviderSession, Started and Note stay as PutSession wrote them. Only [Store.Touch] changes Seen
// and Idle, and only [Store.Swap] changes the other fields.
//
// A session has ended if its Expires, or its Idle unless that is zero, is not after now. It stays in the store until it is purged or
// revoked.
type Session struct {
	ID      string    // primary key: the claim sid, 43 characters of base64url
	Kind    string    // one of the kinds above, at most 16 bytes; a store does not interpret it
	Subject string    // the provider's issuer, a space, and its subject, for people who read the database; at most 4,096 bytes of UTF-8
	Current []byte    // SHA-256 of the secret in the current refresh token or in the cookie; empty: there is none
	Last    []byte    // SHA-256 of the secret in the refresh token that was spent last; empty: none was spent
	Data    []byte    // sealed; at most 256 KiB
	Answer  []byte    // sealed token response to the refresh token of Last, for a client that sends it again; empty: none was spent; at most 256 KiB
	Rotated time.Time // when Last was spent; zero: none was spent
	Lease   time.Time // until when one request has the exclusive right to refresh the session; zero: no request has it
	Expires time.Time // the session has ended from this time on
	Version int64     // 1 at first; each [Store.Swap] adds 1

	// Owner is the SHA-256 of the provider's issuer and subject. ProviderSession is the SHA-256 of the provider's issuer and its claim
	// sid. [Store.SessionsOf] finds the session by either field. At most 32 bytes each; empty: not found by this field.
	Owner, ProviderSession []byte

	Started time.Time // when the user logged in
	Seen    time.Time // the last request that [Store.Touch] has recorded, or the login; zero: none
	Idle    time.Time // the session has ended from this time on, unless Touch moves it; zero: no idle timeout
	Note    []byte    // sealed, set once at the login; at most 1 KiB

	LastExpiry time.Time // latest expiry of the access tokens of the session; zero: none was issued
}

// Key is a private key with which the service signs the tokens that it issues in broker mode.
type Key struct {
	Generation int64     // primary key, from 1 upwards; a new key takes the next number, and only one of several concurrent callers gets it
	ID         string    // kid, at most 255 bytes; not unique
	Sealed     []byte    // sealed private key; at most 64 KiB
	From       time.Time // from this time on, the key signs; zero: it never signs and only verifies
	Until      time.Time // from this time on, tokens signed with this key are no longer accepted; zero: not known yet
}

// Revocation is an entry of the revocation list: the access tokens of a session, or of several sessions with a common name, are no
// longer valid.
type Revocation struct {
	ID    string    // claim sid of the session, jti of a token without sid, or a common name; at most 255 bytes
	At    time.Time // time of the revocation
	Until time.Time // when the last access token has expired
}

// Selection selects sessions by [Session.Owner] or by [Session.ProviderSession]. Set exactly one field.
type Selection struct{ Owner, ProviderSession []byte }

// Store keeps the data that all instances of one service share. These comments are the specification of every store; the suite in
// core/store/storetest tests it.
//
// Every method is safe for concurrent use, also by several processes on the same data, and is atomic: it happens whole
// or not at all, and every later read, on any instance, sees it. A read must not be answered by a replica that may lag behind.
//
// A method returns an error when its context ends. No error holds a password, a sealed value or a hash.
//
// Times come in whole milliseconds and come back equal, in UTC; a zero time comes back zero. Byte slices come back equal, an empty one
// may come back nil; a store does not keep the slices that it is given, and the caller may change those that it gets. Texts are
// compared byte for byte and may contain any UTF-8, also U+0000. A store has no clock: the parameter now decides what has expired.
type Store interface {
	// Init creates the tables, or upgrades those of an earlier release, and does nothing else. After an upgrade, the previous release must
	// still work with the tables. Init may be called again, and by many instances at the same time.
	Init(ctx context.Context) error

	// AddKey adds a signing key. The error is [ErrConflict] if the generation exists.
	AddKey(ctx context.Context, key Key) error
	// RetireKey sets Until of a key whose Until is zero. It does nothing if the key has an Until, or does not exist.
	RetireKey(ctx context.Context, generation int64, until time.Time) error
	// Keys returns all signing keys, also those whose Until has passed, in the order of their generations.
	Keys(ctx context.Context) ([]Key, error)

	// PutSession adds a session. The error is [ErrConflict] if the ID exists, even if that session has ended.
	PutSession(ctx context.Context, session Session) error
	// Session returns a session. The error is [ErrNotFound] if there is none, or if it has ended at now.
	Session(ctx context.Context, id string, now time.Time) (Session, error)
	// Swap replaces the stored session with the same ID and the same Version, and adds 1 to Version. Kind, Subject, Owner,
	// ProviderSession, Started, Seen, Idle and Note of the stored session stay. The error is [ErrConflict] if the stored session has
	// another Version, or there is none. It does not matter whether the session has ended.
	Swap(ctx context.Context, session Session) error
	// Touch sets Seen and Idle of a session to these times, each only if the stored one is earlier: of concurrent calls the
	// latest of each time stays. A zero time is the earliest: as an argument it changes nothing, and a stored zero Idle is replaced.
	// Version stays, so a concurrent Swap succeeds. The error is [ErrNotFound] if there is none. It does not matter whether the session
	// has ended.
	Touch(ctx context.Context, id string, seen, idle time.Time) error
	// SessionsOf returns the sessions of a selection that have not ended at now, without Data and Answer, the latest Started first. It
	// returns at most limit sessions; none if limit is below 1, or if the selection is empty. It reads no other sessions, so that its cost
	// does not grow with their number.
	SessionsOf(ctx context.Context, of Selection, now time.Time, limit int) ([]Session, error)
	// Revoke deletes a session and adds its ID to the revocation list with the times now and until, both or neither. version is the
	// Version of the session: the error is [ErrConflict] if the stored session has another, or there is none. version 0 deletes the
	// session in any version, if there is one, and adds the entry in any case. An entry stays in the list until its Until at least. If the
	// list has an entry of the same ID, each of At and Until becomes the later one of the old and the new time.
	Revoke(ctx context.Context, id string, version int64, now, until time.Time) error
	// Revoked returns the entries of the revocation list whose At is since or later and whose Until is after now, in any order. Callers
	// read overlapping periods, because the clocks of instances differ, and an entry may become visible later than others that are newer.
	Revoked(ctx context.Context, since, now time.Time) ([]Revocation, error)
	// RevokedAmong returns the entries of the revocation list with these IDs whose Until is after now, in any order. There are at most 100
	// IDs, without duplicates.
	RevokedAmong(ctx context.Context, ids []string, now time.Time) ([]Revocation, error)

	// Purge deletes sessions that have ended, and revocations and keys whose Until is not after now; a key without Until stays. One call
	// deletes some thousands of each kind at most, and returns how many it deleted in total. It does not disturb concurrent callers: a
	// session that ended may be gone before [Store.Swap] or [Store.Touch], never one that has not.
	Purge(ctx context.Context, now time.Time) (int, error)
	// Close closes what the store has opened itself, never a handle that it was given. It may be called again.
	Close() error
}

// Local is a store whose data is on this machine alone. With such a store, a service without SecretKeys creates a secret key by itself:
// in a file beside the data, or in memory for the lifetime of the process.
type Local interface {
	Store
	// SecretFile returns the path of the file for the secret key; "" if the data ends with the process. ok is false if this store is
	// not local, because of its configuration.
	SecretFile() (path string, ok bool)
}
