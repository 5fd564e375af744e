package mongostore

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// record is a session in its document. Times are milliseconds since 1970; the zero time has a number of its own, long
// before every other. Idle, Owner and ProviderSession are there only when they are set: their indexes hold no others.
type record struct {
	ID              string `bson:"_id"`
	Kind            string `bson:"kind"`
	Subject         string `bson:"subject"`
	Version         int64  `bson:"version"`
	Current         []byte `bson:"current"`
	Last            []byte `bson:"last"`
	Data            []byte `bson:"data"`
	Answer          []byte `bson:"answer"`
	Rotated         int64  `bson:"rotated"`
	Lease           int64  `bson:"lease"`
	Expires         int64  `bson:"expires"`
	Owner           []byte `bson:"owner"`
	ProviderSession []byte `bson:"provider_session"`
	Started         int64  `bson:"started"`
	Seen            int64  `bson:"seen"`
	Idle            *int64 `bson:"idle"`
	Note            []byte `bson:"note"`
	LastExpiry      int64  `bson:"last_expiry"`
}

// gone takes the fields of a session out of its document; without version it is no session any more.
var gone = bson.D{
	{Key: "kind", Value: ""}, {Key: "subject", Value: ""}, {Key: "version", Value: ""},
	{Key: "current", Value: ""}, {Key: "last", Value: ""}, {Key: "data", Value: ""}, {Key: "answer", Value: ""},
	{Key: "rotated", Value: ""}, {Key: "lease", Value: ""}, {Key: "expires", Value: ""},
	{Key: "owner", Value: ""}, {Key: "provider_session", Value: ""},
	{Key: "started", Value: ""}, {Key: "seen", Value: ""}, {Key: "idle", Value: ""}, {Key: "note", Value: ""}, {Key: "last_expiry", Value: ""},
}

// absent and present are filters for documents without and with a field.
var absent, present = bson.D{{Key: "$exists", Value: false}}, bson.D{{Key: "$exists", Value: true}}

// staying lists the fields that a swap leaves as they are.
func staying(s store.Session) bson.D {
	fields := bson.D{
		{Key: "kind", Value: s.Kind}, {Key: "subject", Value: s.Subject}, {Key: "started", Value: s.Started.UnixMilli()},
		{Key: "seen", Value: s.Seen.UnixMilli()}, {Key: "note", Value: s.Note},
	}
	if len(s.Owner) > 0 {
		fields = append(fields, bson.E{Key: "owner", Value: s.Owner})
	}
	if len(s.ProviderSession) > 0 {
		fields = append(fields, bson.E{Key: "provider_session", Value: s.ProviderSession})
	}
	if !s.Idle.IsZero() {
		fields = append(fields, bson.E{Key: "idle", Value: s.Idle.UnixMilli()})
	}
	return fields
}

// changing lists the fields that a swap replaces.
func changing(s store.Session) bson.D {
	return bson.D{
		{Key: "version", Value: s.Version},
		{Key: "current", Value: s.Current}, {Key: "last", Value: s.Last}, {Key: "data", Value: s.Data}, {Key: "answer", Value: s.Answer},
		{Key: "rotated", Value: s.Rotated.UnixMilli()}, {Key: "lease", Value: s.Lease.UnixMilli()}, {Key: "expires", Value: s.Expires.UnixMilli()},
		{Key: "last_expiry", Value: s.LastExpiry.UnixMilli()},
	}
}

// lasting is the filter for sessions that have not ended. One without Idle is not past it.
func lasting(now time.Time) bson.D {
	return bson.D{
		{Key: "expires", Value: bson.D{{Key: "$gt", Value: now.UnixMilli()}}},
		{Key: "idle", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$lte", Value: now.UnixMilli()}}}}},
	}
}

func (r record) session() store.Session {
	session := store.Session{
		ID: r.ID, Kind: r.Kind, Subject: r.Subject, Version: r.Version,
		Current: r.Current, Last: r.Last, Data: r.Data, Answer: r.Answer,
		Rotated: instant(r.Rotated), Lease: instant(r.Lease), Expires: instant(r.Expires),
		Owner: r.Owner, ProviderSession: r.ProviderSession, Note: r.Note,
		Started: instant(r.Started), Seen: instant(r.Seen), LastExpiry: instant(r.LastExpiry),
	}
	if r.Idle != nil {
		session.Idle = instant(*r.Idle)
	}
	return session
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
