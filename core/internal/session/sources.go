package session

import (
	"encoding/json"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// sources has the claims that the provider returned for a person: of the ID token, of the access token if it is for this service, and of
// userinfo.
type sources struct {
	ID       *document `json:"id,omitempty"`
	Access   *document `json:"access,omitempty"`
	UserInfo *document `json:"userinfo,omitempty"`
}

// document is a JSON object from the provider, with the time at which it was received.
type document struct {
	Claims json.RawMessage `json:"claims,omitempty"`
	At     int64           `json:"at"` // Unix seconds

	object strictjson.Object // Claims, parsed; none: not yet
}

func said(object strictjson.Object, at time.Time) *document {
	return &document{Claims: json.RawMessage(object.Text()), At: at.Unix(), object: object}
}

// heard is the result of one exchange with the provider. A document is nil if it was not received. accessAway and userInfoAway: its
// source was unreachable, so that the document is unknown.
type heard struct {
	sources
	accessAway, userInfoAway bool
	refused                  bool // userinfo answered, but not with a document about this person
}

// since returns the documents that are valid after an exchange: those that it received. An older document stays valid only while its
// source is unreachable, and for [provider.StaleAge] at most. If a source is unreachable and the exchange received neither a document
// nor a refusal, all older documents stay valid that long. An exchange in which no source was asked about the person changes nothing.
func (h *heard) since(before sources, now time.Time) sources {
	after := h.sources
	if h.accessAway {
		after.Access = before.Access.unlessOld(now)
	}
	if h.userInfoAway {
		after.UserInfo = before.UserInfo.unlessOld(now)
	}
	switch {
	case !after.isEmpty() || h.refused:
		return after
	case h.accessAway || h.userInfoAway:
		return sources{ID: before.ID.unlessOld(now), Access: before.Access.unlessOld(now), UserInfo: before.UserInfo.unlessOld(now)}
	default:
		return before
	}
}

func (s *sources) isEmpty() bool { return s.ID == nil && s.Access == nil && s.UserInfo == nil }

// unlessOld returns the document, or nil if it is older than [provider.StaleAge]. d may be nil.
func (d *document) unlessOld(now time.Time) *document {
	if d == nil || now.Sub(time.Unix(d.At, 0)) > provider.StaleAge {
		return nil
	}
	return d
}

// person parses the documents, in the order ID token, userinfo, access token.
func (s *sources) person(issuer, subject string, rules *claims.Rules) (*person, error) {
	p := &person{issuer: issuer, subject: subject}
	for _, from := range []*document{s.ID, s.UserInfo, s.Access} {
		if from == nil {
			continue
		}
		object := from.object
		if !object.Exists() {
			var err error
			if object, err = strictjson.Parse(string(from.Claims)); err != nil {
				return nil, err
			}
		}
		p.documents = append(p.documents, claims.Document(object, rules))
	}
	p.granting = p.documents
	return p, nil
}
