package mongostore

import (
	"context"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("put session", err)
	}
	fields := append(staying(session), changing(session)...)
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
	filter := append(bson.D{{Key: "_id", Value: id}}, lasting(now)...)
	err = sessions.FindOne(ctx, filter).Decode(&r)
	if errors.Is(err, mongo.ErrNoDocuments) || (err == nil && r.Version == 0) { // without a version it is no session
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Session{}, fail("session", err)
	}
	return r.session(), nil
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

// Touch is [store.Store.Touch].
func (s *Store) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("touch", err)
	}
	later := bson.D{{Key: "seen", Value: seen.UnixMilli()}}
	if !idle.IsZero() {
		later = append(later, bson.E{Key: "idle", Value: idle.UnixMilli()})
	}
	filter := bson.D{{Key: "_id", Value: id}, {Key: "version", Value: present}}
	err = matched(sessions.UpdateOne(ctx, filter, bson.D{{Key: "$max", Value: later}}))
	if errors.Is(err, store.ErrConflict) {
		err = store.ErrNotFound
	}
	return fail("touch", err)
}

// SessionsOf is [store.Store.SessionsOf].
func (s *Store) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) ([]store.Session, error) {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return nil, fail("sessions of", err)
	}
	selected := bson.E{Key: "owner", Value: of.Owner}
	if len(of.Owner) == 0 {
		selected = bson.E{Key: "provider_session", Value: of.ProviderSession}
	}
	if limit <= 0 || len(of.Owner)+len(of.ProviderSession) == 0 {
		return nil, nil
	}
	cursor, err := sessions.Find(ctx, append(bson.D{selected}, lasting(now)...), options.Find().
		SetSort(bson.D{{Key: "started", Value: -1}}).SetLimit(int64(limit)).
		SetProjection(bson.D{{Key: "data", Value: 0}, {Key: "answer", Value: 0}}))
	if err != nil {
		return nil, fail("sessions of", err)
	}
	var found []record
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fail("sessions of", err)
	}
	var list []store.Session
	for _, r := range found {
		list = append(list, r.session())
	}
	return list, nil
}

func set(fields bson.D) bson.D { return bson.D{{Key: "$set", Value: fields}} }

// matched turns an update that found no document into a conflict.
func matched(result *mongo.UpdateResult, err error) error {
	if err == nil && result.MatchedCount == 0 {
		return store.ErrConflict
	}
	return err
}
