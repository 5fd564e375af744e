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

// heard is what one exchange with the provider has brought. A document that is nil did not come; away says that its source
// was out of reach, and may have had one.
type heard struct {
	sources
	accessAway, userInfoAway bool
	refused                  bool // userinfo had an answer, and it was no document about this person
}

// since returns what counts after an exchange: what it has said, and nothing of before that it does not say any more. An
// older document counts while its source is out of reach, for as long as keys do; that of the source which is away, or,
// where nothing else is known, all of them. An exchange in which nobody was asked about the person changes nothing.
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

// unlessOld is the document itself for as long as what the provider has said serves while it is away. It works on nil.
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
