package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// rounds and page bound one call of Purge: so many pages of each kind.
const (
	rounds = 5
	page   = 1000
)

// part is one kind of what ends: the field that says when, and how a document without it looks.
type part struct {
	ends  string // what has ended says so in this field
	other string // a document with this field stays: it is also of the other kind. "": there is no other
	unset bson.D // what goes of a document that stays
}

var (
	sessionPart = part{ends: "expires", other: "until", unset: gone}
	idlePart    = part{ends: "idle", other: "until", unset: gone}
	revokedPart = part{ends: "until", other: "version", unset: bson.D{{Key: "revoked", Value: ""}, {Key: "until", Value: ""}}}
	keyPart     = part{ends: "until"}
)

// Purge deletes what has ended, as [store.Store.Purge] specifies. One call deletes at most 5,000 revocations, 5,000 keys, 5,000 sessions
// whose Expires has passed and 5,000 whose Idle has passed, 1,000 with one command.
func (s *Store) Purge(ctx context.Context, now time.Time) (int, error) {
	sessions, err := s.sessions(ctx)
	if err != nil {
		return 0, fail("purge", err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return 0, fail("purge", err)
	}
	removed := 0
	for _, step := range []struct {
		in *mongo.Collection
		of part
	}{{sessions, sessionPart}, {sessions, idlePart}, {sessions, revokedPart}, {keys, keyPart}} {
		n, err := step.of.purge(ctx, step.in, now)
		removed += n
		if err != nil {
			return removed, fail("purge", err)
		}
	}
	return removed, nil
}

// ended is the filter for what has ended. A key without Until has no end, and no other field is ever without.
func (p part) ended(now time.Time) bson.E {
	if p.other == "" {
		return bson.E{Key: p.ends, Value: bson.D{{Key: "$lte", Value: now.UnixMilli()}, {Key: "$ne", Value: never}}}
	}
	return bson.E{Key: p.ends, Value: bson.D{{Key: "$lte", Value: now.UnixMilli()}}}
}

// purge removes page by page. What was found is judged again by the command that removes it: it may have changed.
func (p part) purge(ctx context.Context, from *mongo.Collection, now time.Time) (removed int, err error) {
	for range rounds {
		ids, err := find(ctx, from, bson.D{p.ended(now)})
		if err != nil || len(ids) == 0 {
			return removed, err
		}
		n, err := p.remove(ctx, from, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}, p.ended(now)})
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// remove deletes documents, and of those that are also of the other kind only their part.
func (p part) remove(ctx context.Context, from *mongo.Collection, filter bson.D) (int, error) {
	if p.other == "" {
		result, err := from.DeleteMany(ctx, filter)
		if err != nil {
			return 0, err
		}
		return int(result.DeletedCount), nil
	}
	deleted, err := from.DeleteMany(ctx, append(filter[:len(filter):len(filter)], bson.E{Key: p.other, Value: absent}))
	if err != nil {
		return 0, err
	}
	kept, err := from.UpdateMany(ctx, append(filter[:len(filter):len(filter)], bson.E{Key: p.other, Value: present}), bson.D{{Key: "$unset", Value: p.unset}})
	if err != nil {
		return int(deleted.DeletedCount), err
	}
	return int(deleted.DeletedCount + kept.ModifiedCount), nil
}

// find returns the IDs of one page.
func find(ctx context.Context, in *mongo.Collection, filter bson.D) (ids []bson.RawValue, err error) {
	cursor, err := in.Find(ctx, filter, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(page))
	if err != nil {
		return nil, err
	}
	var found []struct {
		ID bson.RawValue `bson:"_id"`
	}
	if err := cursor.All(ctx, &found); err != nil {
		return nil, err
	}
	for _, document := range found {
		ids = append(ids, document.ID)
	}
	return ids, nil
}
