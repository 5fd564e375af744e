package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Init creates the indexes, and with them the collection of sessions; existing ones stay as they are. There is no TTL index: a session
// ends by the service's clock, and Purge deletes it.
func (s *Store) Init(ctx context.Context) error {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return fail("init", err)
	}
	_, err = sessions.Indexes().CreateMany(ctx, []mongo.IndexModel{
		sparse("expires"), sparse("idle"), sparse("revoked"), sparse("until"), listed("owner"), listed("provider_session"),
	})
	return fail("init", err)
}

// sparse is an index of those documents alone that have the field.
func sparse(field string) mongo.IndexModel {
	return mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}, Options: options.Index().SetSparse(true)}
}

// listed is an index for [Store.SessionsOf]: of the documents that have the field, those of one value by the time when the
// session started. A sparse one would hold all sessions, since each has that time.
func listed(field string) mongo.IndexModel {
	return mongo.IndexModel{
		Keys:    bson.D{{Key: field, Value: 1}, {Key: "started", Value: -1}},
		Options: options.Index().SetPartialFilterExpression(bson.D{{Key: field, Value: present}}),
	}
}
