package core

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"golang.org/x/oauth2"
)

// session is what the store keeps of a login, sealed: what is needed to ask the provider again and to mint again.
type session struct {
	Refresh string  `json:"refresh,omitempty"`
	IDToken string  `json:"id_token,omitempty"` // the hint of the logout
	Issuer  string  `json:"iss"`
	Subject string  `json:"sub"`
	Scope   string  `json:"scope"`
	Sources sources `json:"sources"`
}

// begin turns a login at the provider into one here: it mints the first token and stores the session.
func (f *flows) begin(ctx context.Context, meta *metadata, login *providerAnswer) (*Token, error) {
	opened, ring, err := f.broker.ready(ctx)
	if err != nil {
		return nil, err
	}
	s, err := f.newSession(ctx, meta, login)
	if err != nil {
		f.provider.forsake(ctx, meta, login.RefreshToken)
		return nil, err
	}
	first := family.NewToken()
	own, err := f.mintFor(ring.Signer(time.Now()), s, first.ID)
	if err != nil {
		f.provider.forsake(ctx, meta, s.Refresh) // nobody will ever use it
		return nil, err
	}
	token := own.token(s.Scope)
	begun := family.Login{Subject: readable(s.Issuer + " " + s.Subject), Expires: time.Unix(token.Expires, 0), Issued: time.Unix(token.Expires, 0), NoToken: s.Refresh == ""}
	if s.Refresh != "" {
		token.RefreshToken, token.RefreshExpires = first.Text, f.broker.sessionEnd(login, time.Now().Add(f.broker.cfg.SessionMax))
		begun.Expires = time.Unix(token.RefreshExpires, 0)
	}
	if begun.Data, err = json.Marshal(s); err == nil {
		err = opened.families.Begin(ctx, first, begun)
	}
	if err != nil {
		f.provider.forsake(ctx, meta, s.Refresh)
		return nil, storeError(err)
	}
	return token, nil
}

// readable cuts a text to what a store holds for people to read.
func readable(text string) string {
	const most = 4096
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// sessionEnd is when a session ends that is not refreshed before, in Unix seconds, and never later than last.
func (b *tokenBroker) sessionEnd(answer *providerAnswer, last time.Time) int64 {
	return min(answer.RefreshExpires, time.Now().Add(b.cfg.SessionTTL).Unix(), last.Unix())
}

// newSession is who logged in: the subject of the verified ID token, or of the verified access token where the provider
// sends no ID token, as some do in the device flow.
func (f *flows) newSession(ctx context.Context, meta *metadata, login *providerAnswer) (*session, error) {
	who := login.caller
	if who == nil {
		who = login.access
	}
	if who == nil {
		return nil, nonsense("The OIDC provider does not say who logged in.", nil)
	}
	s := &session{Issuer: who.Issuer(), Subject: who.Subject(), Scope: login.Scope}
	f.renew(ctx, meta, s, login)
	return s, nil
}

// renew brings a session up to what the provider has just said. Userinfo may fail: what was known last stays.
func (f *flows) renew(ctx context.Context, meta *metadata, s *session, answer *providerAnswer) {
	s.Refresh, s.Scope = answer.RefreshToken, answer.Scope
	if answer.caller != nil {
		s.IDToken, s.Sources.ID = answer.caller.raw, json.RawMessage(answer.caller.payload)
	}
	if answer.access != nil {
		s.Sources.Access = json.RawMessage(answer.access.payload)
	}
	if userInfo := f.userInfoFor(ctx, meta, answer.AccessToken, s.Subject); userInfo != nil {
		s.Sources.UserInfo = userInfo
	}
}

// maxUserInfo bounds the userinfo document that is kept, in bytes.
const maxUserInfo = 32 << 10

// userInfoFor asks the provider about a subject; nil when it does not answer, or answers about somebody else.
func (f *flows) userInfoFor(ctx context.Context, meta *metadata, accessToken, subject string) json.RawMessage {
	if meta.userInfo == "" {
		return nil
	}
	answer, err := f.subjectInfo(ctx, meta, accessToken, subject)
	if err == nil && len(answer.Text) > maxUserInfo {
		err = errors.New("core: the document is too large")
	}
	f.troubles.userInfo.seen(ctx, err)
	if err != nil {
		return nil
	}
	return answer.Text
}

// mintFor makes an own token for a session.
func (f *flows) mintFor(signer *jose.Signer, s *session, id string) (*minted, error) {
	p, err := s.Sources.person(s.Issuer, s.Subject)
	if err != nil {
		return nil, err
	}
	return f.broker.mint(signer, f.member, p, id, s.Scope, time.Time{})
}

// rotate answers a refresh in broker mode.
func (f *flows) rotate(ctx context.Context, refresh string) (*Token, error) {
	opened, _, err := f.broker.ready(ctx)
	if err != nil {
		return nil, err
	}
	text, err := opened.families.Rotate(ctx, refresh, f.refreshSession)
	switch {
	case errors.Is(err, family.ErrReused):
		f.log.Warn("a session was ended: a spent refresh token came again")
		return nil, sessionEnded(err)
	case errors.Is(err, family.ErrEnded):
		return nil, sessionEnded(err)
	case errors.Is(err, family.ErrBusy):
		e := outage("Another refresh of this session has not come to an end.", err)
		e.RetryAfter = time.Second
		return nil, e
	case err != nil:
		return nil, storeError(err)
	}
	token := new(Token)
	if err := json.Unmarshal(text, token); err != nil {
		return nil, err
	}
	token.ExpiresIn = max(0, token.Expires-time.Now().Unix()) // the answer may be one that is given again
	return token, nil
}

// sessionEnded is the answer that makes a client log in again.
func sessionEnded(cause error) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidGrant, Detail: "Session expired or not found. Please re-authenticate.", Err: cause, noCredentials: true}
}

// storeError is an outage, unless the error is an answer already.
func storeError(err error) error {
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, family.ErrTooLarge):
		return nonsense("The OIDC provider gave an unusable answer.", err)
	case errors.Is(err, store.ErrConflict), errors.Is(err, family.ErrPanicked): // a random name was taken; a fault of the application
		return err
	default:
		return storeOutage(err)
	}
}

// refreshSession is the part of a rotation that one instance alone does: refresh at the provider, mint, answer.
func (f *flows) refreshSession(ctx context.Context, turn family.Turn) (*family.Result, error) {
	var s session
	if err := json.Unmarshal(turn.Data, &s); err != nil {
		return nil, err
	}
	meta, err := f.spending(ctx)
	if err != nil {
		return nil, err
	}
	_, ring, err := f.broker.ready(ctx)
	if err != nil {
		return nil, err
	}
	if issuer, err := f.provider.issuer(ctx); err == nil && issuer != s.Issuer {
		return nil, family.ErrRefused // of a provider that this service had before
	}
	answer, err := f.provider.token(ctx, meta, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.Refresh}})
	if isInvalidGrant(err) {
		return nil, family.ErrRefused
	}
	if err != nil {
		return nil, err
	}
	return f.refreshed(ctx, meta, ring.Signer(time.Now()), &s, answer, turn)
}

// refreshed makes the answer out of the provider's. From here on the provider's new refresh token is the session's,
// whatever else fails.
func (f *flows) refreshed(ctx context.Context, meta *metadata, signer *jose.Signer, s *session, answer *oauth2.Token, turn family.Turn) (*family.Result, error) {
	s.Refresh = answer.RefreshToken
	if data, err := json.Marshal(s); err == nil {
		turn.Keep(data)
	}
	kept := func(err error) (*family.Result, error) {
		data, errData := json.Marshal(s)
		return &family.Result{Data: data}, errors.Join(err, errData)
	}
	accepted, err := f.accept(ctx, answer, grantCheck{scope: s.Scope})
	if err != nil {
		return kept(refreshFault(err))
	}
	for _, token := range []*IDToken{accepted.caller, accepted.access} { // OpenID Connect Core section 12.2
		if token != nil && token.Subject() != s.Subject {
			return kept(family.ErrRefused)
		}
	}
	f.renew(ctx, meta, s, accepted)
	own, err := f.mintFor(signer, s, turn.Next.ID)
	if err != nil {
		return kept(err)
	}
	token := own.token(s.Scope)
	token.RefreshToken, token.RefreshExpires = turn.Next.Text, f.broker.sessionEnd(accepted, turn.Ends)
	text, err := json.Marshal(token) //nolint:gosec // it is sealed before it is stored
	if err != nil {
		return kept(err)
	}
	result, err := kept(nil)
	result.Answer, result.Expires, result.Issued = text, time.Unix(token.RefreshExpires, 0), time.Unix(token.Expires, 0)
	return result, err
}

// refreshFault: an ID token that does not verify after a refresh is the provider's fault, not the client's.
func refreshFault(err error) error {
	if isInvalidGrant(err) {
		return nonsense("The OIDC provider gave an unusable answer.", err)
	}
	return err
}

func isInvalidGrant(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == CodeInvalidGrant
}

// abandon revokes at the provider what a session held that has ended here.
func (b *tokenBroker) abandon(ctx context.Context, data []byte) {
	var s session
	if json.Unmarshal(data, &s) != nil {
		return
	}
	if meta, err := b.auth.provider.metadata(ctx); err == nil {
		b.auth.provider.forsake(ctx, meta, s.Refresh)
	}
}
