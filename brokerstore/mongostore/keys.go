package mongostore

import (
	"context"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// keyRecord is the document of a signing key.
type keyRecord struct {
	Generation int64  `bson:"_id"`
	ID         string `bson:"kid"`
	Sealed     []byte `bson:"sealed"`
	From       int64  `bson:"from"`
	Until      int64  `bson:"until"`
}

// never is how a time that was not set is written.
var never = time.Time{}.UnixMilli()

// AddKey is [store.Store.AddKey].
func (s *Store) AddKey(ctx context.Context, key store.Key) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return fail("add key", err)
	}
	_, err = keys.InsertOne(ctx, keyRecord{key.Generation, key.ID, key.Sealed, key.From.UnixMilli(), key.Until.UnixMilli()})
	if mongo.IsDuplicateKeyError(err) {
		err = store.ErrConflict
	}
	return fail("add key", err)
}

// RetireKey is [store.Store.RetireKey].
func (s *Store) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return fail("retire key", err)
	}
	filter := bson.D{{Key: "_id", Value: generation}, {Key: "until", Value: never}}
	_, err = keys.UpdateOne(ctx, filter, set(bson.D{{Key: "until", Value: until.UnixMilli()}}))
	return fail("retire key", err)
}

// Keys is [store.Store.Keys].
func (s *Store) Keys(ctx context.Context) ([]store.Key, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, fail("keys", err)
	}
	cursor, err := keys.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, fail("keys", err)
	}
	var records []keyRecord
	if err := cursor.All(ctx, &records); err != nil {
		return nil, fail("keys", err)
	}
	var list []store.Key
	for _, r := range records {
		list = append(list, store.Key{Generation: r.Generation, ID: r.ID, Sealed: r.Sealed, From: instant(r.From), Until: instant(r.Until)})
	}
	return list, nil
}
