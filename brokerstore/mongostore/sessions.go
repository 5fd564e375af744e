package mongostore

import (
	"context"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// record is a session in its document. Times are milliseconds since 1970; the zero time has a number of its own, long
// before every other.
type record struct {
	ID         string `bson:"_id"`
	Subject    string `bson:"subject"`
	Version    int64  `bson:"version"`
	Current    []byte `bson:"current"`
	Last       []byte `bson:"last"`
	Data       []byte `bson:"data"`
	Answer     []byte `bson:"answer"`
	Rotated    int64  `bson:"rotated"`
	Lease      int64  `bson:"lease"`
	Expires    int64  `bson:"expires"`
	Started    int64  `bson:"started"`
	LastExpiry int64  `bson:"last_expiry"`
}

// gone takes the fields of a session out of its document; without version it is no session any more.
var gone = bson.D{
	{Key: "subject", Value: ""}, {Key: "version", Value: ""},
	{Key: "current", Value: ""}, {Key: "last", Value: ""}, {Key: "data", Value: ""}, {Key: "answer", Value: ""},
	{Key: "rotated", Value: ""}, {Key: "lease", Value: ""}, {Key: "expires", Value: ""},
	{Key: "started", Value: ""}, {Key: "last_expiry", Value: ""},
}

// absent and present are filters for documents without and with a field.
var absent, present = bson.D{{Key: "$exists", Value: false}}, bson.D{{Key: "$exists", Value: true}}

// changing lists the fields that a swap replaces.
func changing(s store.Session) bson.D {
	return bson.D{
		{Key: "version", Value: s.Version},
		{Key: "current", Value: s.Current}, {Key: "last", Value: s.Last}, {Key: "data", Value: s.Data}, {Key: "answer", Value: s.Answer},
		{Key: "rotated", Value: s.Rotated.UnixMilli()}, {Key: "lease", Value: s.Lease.UnixMilli()}, {Key: "expires", Value: s.Expires.UnixMilli()},
		{Key: "last_expiry", Value: s.LastExpiry.UnixMilli()},
	}
}

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("put session", err)
	}
	fields := append(bson.D{{Key: "subject", Value: session.Subject}, {Key: "started", Value: session.Started.UnixMilli()}}, changing(session)...)
	_, err = sessions.InsertOne(ctx, append(bson.D{{Key: "_id", Value: session.ID}}, fields...))
	if !mongo.IsDuplicateKeyError(err) {
		return fail("put session", err)
	}
	// The document may be in the feed alone: then there is no session of this ID.
	filter := bson.D{{Key: "_id", Value: session.ID}, {Key: "version", Value: absent}}
	return fail("put session", matched(sessions.UpdateOne(ctx, filter, set(fields))))
}

// Session is [store.Store.Session].
func (s *Store) Session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return store.Session{}, fail("session", err)
	}
	var r record
	filter := bson.D{{Key: "_id", Value: id}, {Key: "expires", Value: bson.D{{Key: "$gt", Value: now.UnixMilli()}}}}
	err = sessions.FindOne(ctx, filter).Decode(&r)
	if errors.Is(err, mongo.ErrNoDocuments) || (err == nil && r.Version == 0) { // without a version it is no session
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Session{}, fail("session", err)
	}
	return store.Session{
		ID: r.ID, Subject: r.Subject, Version: r.Version,
		Current: r.Current, Last: r.Last, Data: r.Data, Answer: r.Answer,
		Rotated: instant(r.Rotated), Lease: instant(r.Lease), Expires: instant(r.Expires),
		Started: instant(r.Started), LastExpiry: instant(r.LastExpiry),
	}, nil
}

// Swap is [store.Store.Swap].
func (s *Store) Swap(ctx context.Context, session store.Session) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("swap", err)
	}
	filter := bson.D{{Key: "_id", Value: session.ID}, {Key: "version", Value: session.Version}}
	session.Version++
	return fail("swap", matched(sessions.UpdateOne(ctx, filter, set(changing(session)))))
}

func set(fields bson.D) bson.D { return bson.D{{Key: "$set", Value: fields}} }

// matched turns an update that found no document into a conflict.
func matched(result *mongo.UpdateResult, err error) error {
	if err == nil && result.MatchedCount == 0 {
		return store.ErrConflict
	}
	return err
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
