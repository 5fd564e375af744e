package mongostore

import (
	"context"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// attempts bounds how often a revocation starts over because another caller made the document at the same moment.
const attempts = 5

// Revoke is [store.Store.Revoke]. One write removes the fields of the session from its document and adds those of the revocation.
func (s *Store) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("revoke", err)
	}
	update := bson.D{
		{Key: "$unset", Value: gone},
		{Key: "$max", Value: bson.D{{Key: "revoked", Value: now.UnixMilli()}, {Key: "until", Value: until.UnixMilli()}}},
	}
	if version != 0 {
		filter := bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}}
		return fail("revoke", matched(sessions.UpdateOne(ctx, filter, update)))
	}
	filter := bson.D{{Key: "_id", Value: id}}
	for range attempts {
		_, err = sessions.UpdateOne(ctx, filter, update, options.UpdateOne().SetUpsert(true))
		if !mongo.IsDuplicateKeyError(err) {
			break
		}
	}
	return fail("revoke", err)
}

// revocation is what a document holds of the feed.
type revocation struct {
	ID    string `bson:"_id"`
	At    int64  `bson:"revoked"`
	Until int64  `bson:"until"`
}

// Revoked is [store.Store.Revoked].
func (s *Store) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return s.feed(ctx, "revoked", bson.E{Key: "revoked", Value: bson.D{{Key: "$gte", Value: since.UnixMilli()}}}, now)
}

// RevokedAmong is [store.Store.RevokedAmong].
func (s *Store) RevokedAmong(ctx context.Context, ids []string, now time.Time) ([]store.Revocation, error) {
	return s.feed(ctx, "revoked among", bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: append([]string{}, ids...)}}}, now)
}

// feed returns those entries of the feed that are selected and whose Until is after now.
func (s *Store) feed(ctx context.Context, operation string, selected bson.E, now time.Time) ([]store.Revocation, error) {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return nil, fail(operation, err)
	}
	filter := bson.D{selected, {Key: "until", Value: bson.D{{Key: "$gt", Value: now.UnixMilli()}}}}
	fields := bson.D{{Key: "revoked", Value: 1}, {Key: "until", Value: 1}}
	cursor, err := sessions.Find(ctx, filter, options.Find().SetProjection(fields))
	if err != nil {
		return nil, fail(operation, err)
	}
	var found []revocation
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fail(operation, err)
	}
	var list []store.Revocation
	for _, r := range found {
		list = append(list, store.Revocation{ID: r.ID, At: instant(r.At), Until: instant(r.Until)})
	}
	return list, nil
}
