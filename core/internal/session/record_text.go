package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// text returns a record as JSON, for [readRecord]. Claims that are the payload of a token in the record are left out: they would be a third
// of it.
func (r *record) text() ([]byte, error) {
	brief := *r
	brief.Sources.ID = r.Sources.ID.without(payloadOf(r.IDToken))
	brief.Sources.Access = r.Sources.Access.without(payloadOf(r.Access))
	return json.Marshal(brief) // it is sealed before it is stored
}

// without returns the document without its claims if they are equal to payload. d may be nil.
func (d *document) without(payload []byte) *document {
	if d == nil || !bytes.Equal(d.Claims, payload) {
		return d
	}
	return &document{At: d.At}
}

// payloadOf returns the payload of a signed token, nil if the text is none.
func payloadOf(token string) []byte {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil
	}
	return raw
}

// readRecord reads the text of a record. It does not use encoding/json, which would take longer than all the rest of reading a session. The
// tokens of the record are parts of one copy of the text.
func readRecord(text []byte) (*record, error) {
	object, err := strictjson.Parse(string(text))
	if err != nil {
		return nil, err
	}
	m := members{object: object}
	r := &record{
		Refresh: m.text("refresh"), IDToken: m.text("id_token"), Access: m.text("access"), Scope: m.text("scope"),
		Issuer: strings.Clone(m.text("iss")), Subject: strings.Clone(m.text("sub")), // they stay in memory longer than the tokens
		AccessEnds: m.number("access_ends"), Heard: m.number("heard"), Begun: m.number("begun"),
		ACR: m.text("acr"), AuthTime: m.number("auth_time"),
	}
	from := m.members("sources")
	r.Sources.ID = from.document("id", r.IDToken)
	r.Sources.Access = from.document("access", r.Access)
	r.Sources.UserInfo = from.document("userinfo", "")
	if m.err == nil {
		m.err = from.err
	}
	return r, m.err
}

// members reads the members of an object and notes the first error. A member that is absent is zero.
type members struct {
	object strictjson.Object
	err    error
}

func (m *members) note(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *members) text(name string) string {
	text, err := m.object.String(name)
	m.note(err)
	return text
}

func (m *members) number(name string) int64 {
	number, _, err := m.object.Number(name, false)
	m.note(err)
	return int64(number)
}

func (m *members) members(name string) *members {
	object, err := m.object.Object(name)
	m.note(err)
	return &members{object: object}
}

// document reads a document. Claims that were left out are the payload of token.
func (m *members) document(name, token string) *document {
	from := m.members(name)
	if !from.object.Exists() {
		return nil
	}
	d := &document{At: from.number("at"), Claims: payloadOf(token)}
	if claims, ok := from.object.Get("claims"); ok {
		d.Claims = json.RawMessage(claims)
	}
	m.note(from.err)
	return d
}
