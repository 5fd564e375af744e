package session

import (
	"encoding/json"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// sources is what the provider has said about one subject: the claims of its ID token, of its access token where that is
// one for us, and of userinfo.
type sources struct {
	ID       *document `json:"id,omitempty"`
	Access   *document `json:"access,omitempty"`
	UserInfo *document `json:"userinfo,omitempty"`
}

// document is one JSON object of the provider's, and when it said so.
type document struct {
	Claims json.RawMessage `json:"claims"`
	At     int64           `json:"at"` // Unix seconds
}

func said(text string, at time.Time) *document {
	return &document{Claims: json.RawMessage(text), At: at.Unix()}
}

// heard is what one exchange with the provider has brought. A nil document did not come; away means that its source was out of
// reach and may have had one.
type heard struct {
	sources
	accessAway, userInfoAway bool
	refused                  bool // userinfo had an answer, and it was no document about this person
}

// since returns the documents that count after an exchange: those that it brought, and none from before that it does not bring
// any more. An older document counts only while its source is out of reach, for provider.StaleAge; if nothing else is known,
// all older documents count for that long. An exchange that could ask nobody about the person changes nothing.
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

// unlessOld returns the document, nil once it is older than provider.StaleAge. It works on nil.
func (d *document) unlessOld(now time.Time) *document {
	if d == nil || now.Sub(time.Unix(d.At, 0)) > provider.StaleAge {
		return nil
	}
	return d
}

// person reads the documents.
func (s *sources) person(issuer, subject string, rules *claims.Rules) (*person, error) {
	p := &person{issuer: issuer, subject: subject}
	for _, from := range []*document{s.ID, s.UserInfo, s.Access} {
		if from == nil {
			continue
		}
		document, err := claims.Document(string(from.Claims), rules)
		if err != nil {
			return nil, err
		}
		p.documents = append(p.documents, document)
	}
	p.granting = p.documents
	return p, nil
}
