package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// record is the data of a session, encrypted in the store. It has what is needed to refresh the session at the provider and to mint tokens.
type record struct {
	Refresh string  `json:"refresh,omitempty"`
	IDToken string  `json:"id_token,omitempty"` // id_token_hint for the logout
	Issuer  string  `json:"iss"`
	Subject string  `json:"sub"`
	Scope   string  `json:"scope"`
	Sources sources `json:"sources"`

	Access     string `json:"access,omitempty"`      // the provider's access token
	AccessEnds int64  `json:"access_ends,omitempty"` // its expiry, in Unix seconds
	Heard      int64  `json:"heard,omitempty"`       // last answer of the provider, in Unix seconds
	Begun      int64  `json:"begun,omitempty"`       // start of the browser's login, in Unix milliseconds

	ACR      string `json:"acr,omitempty"`       // how the person authenticated at the login; a refresh does not change it
	AuthTime int64  `json:"auth_time,omitempty"` // when, in Unix seconds; the same
}

// Begin mints the first access token of a session and stores the session.
func (b *Broker) Begin(ctx context.Context, login *Grant) (*Tokens, error) {
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	r, err := b.newRecord(ctx, login)
	if err != nil {
		login.from.Forsake(ctx, login.RefreshToken)
		return nil, err
	}
	tokens, err := b.begin(ctx, open, r, login)
	if err != nil {
		login.from.Forsake(ctx, r.Refresh) // it will never be used
		return nil, err
	}
	return tokens, nil
}

func (b *Broker) begin(ctx context.Context, open *opened, r *record, login *Grant) (*Tokens, error) {
	first := family.NewToken()
	minted, err := b.mintFor(ctx, open.signer(), r, first.ID)
	if err != nil {
		return nil, err
	}
	tokens := tokensOf(minted, r.Scope)
	begun := r.login(login)
	begun.Expires, begun.Issued, begun.NoToken = minted.Expiry, minted.Expiry, r.Refresh == ""
	if r.Refresh != "" {
		tokens.RefreshToken, tokens.RefreshExpires = first.Text, b.sessionEnd(login, time.Now().Add(b.cfg.SessionMax))
		begun.Expires = time.Unix(tokens.RefreshExpires, 0)
	}
	if begun.Data, err = r.text(); err == nil {
		err = open.families.Begin(ctx, first, begun)
	}
	if err != nil {
		return nil, storeFault(err)
	}
	if len(begun.ProviderSession) > 0 {
		if err := b.slipped(ctx, first.ID, "", endName(begun.ProviderSession), time.Time{}); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// login returns the fields of a row that identify the owner. They are not encrypted.
func (r *record) login(grant *Grant) family.Login {
	login := family.Login{Subject: readable(r.Issuer + " " + r.Subject), Owner: OwnerOf(r.Issuer, r.Subject)}
	if grant.Caller != nil {
		login.ProviderSession = ProviderSessionOf(r.Issuer, grant.Caller.Text("sid"))
	}
	return login
}

// newRecord makes the record of a login. The person is the subject of the verified ID token, or of the verified access token if the
// provider sent no ID token, as some providers do in the device flow.
func (v *Vault) newRecord(ctx context.Context, login *Grant) (*record, error) {
	who := login.Caller
	if who == nil {
		who = login.Access
	}
	if who == nil {
		return nil, fault.Bad(fault.Person, nil)
	}
	r := &record{Issuer: who.Issuer, Subject: who.Subject, Scope: login.Scope}
	r.ACR, r.AuthTime = login.authentication(time.Now(), v.cfg.Leeway)
	v.update(ctx, r, login)
	return r, nil
}

// update updates a record from an answer of the provider, and asks for userinfo.
func (v *Vault) update(ctx context.Context, r *record, login *Grant) {
	now := time.Now()
	r.Refresh, r.Scope, r.Access, r.AccessEnds, r.Heard = login.RefreshToken, login.Scope, login.AccessToken, login.Expires, now.Unix()
	h := &heard{accessAway: login.accessAway}
	if login.Caller != nil {
		r.IDToken, h.ID = login.Caller.Raw, said(login.Caller.Object, now)
	}
	if login.Access != nil {
		h.Access = said(login.Access.Object, now)
	}
	v.hearUserInfo(ctx, login.from, h, login.AccessToken, r.Subject)
	r.Sources = h.since(r.Sources, now)
}

// maxUserInfo is the maximum size of a userinfo document in a record, in bytes.
const maxUserInfo = 32 << 10

var errTooLarge = errors.New("the document is too large")

// hearUserInfo asks the provider for the userinfo of a subject and notes the result in h. A refusal, and a document about another
// subject or above maxUserInfo, count as a refusal: an earlier document is dropped. If there is no answer, or none of a userinfo
// endpoint, an earlier document may still be used.
func (v *Vault) hearUserInfo(ctx context.Context, at *Reached, h *heard, accessToken, subject string) {
	if at.Meta.UserInfo == "" {
		return
	}
	answer, err := at.userInfo(ctx, accessToken, subject)
	if err == nil && len(answer.Text) > maxUserInfo {
		err = errTooLarge
	}
	v.userInfoTrouble.Seen(ctx, err)
	switch {
	case err == nil:
		h.UserInfo = said(answer.Object, time.Now())
	case fault.Is(err, fault.Outage), errors.Is(err, fetch.ErrNonsense):
		h.userInfoAway = true
	default:
		h.refused = true
	}
}

// mintFor mints an own token for a session.
func (v *Vault) mintFor(ctx context.Context, signer *jose.Signer, r *record, id string) (*verify.Token, error) {
	p, err := v.personOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return v.mint(signer, order{person: p, session: id, scope: r.Scope, acr: r.ACR, authTime: r.AuthTime})
}

// personOf returns the person of a record, whose documents are read by the rules of its provider. The error is a fault; its kind is Ended if
// the provider is not configured any more.
func (v *Vault) personOf(ctx context.Context, r *record) (*person, error) {
	up, err := v.ups.Of(ctx, r.Issuer)
	if err != nil {
		return nil, err
	}
	if up == nil {
		return nil, fault.New(fault.Ended, errRemoved)
	}
	return r.Sources.person(r.Issuer, r.Subject, up.Rules)
}

// sessionEnd returns the time at which a session ends unless it is refreshed before, in Unix seconds. last is the latest possible end.
func (v *Vault) sessionEnd(login *Grant, last time.Time) int64 {
	return min(login.RefreshExpires, time.Now().Add(v.cfg.SessionTTL).Unix(), last.Unix())
}

// storeFault returns the fault for an error of the store or of a family: an outage, unless the error has another known cause.
func storeFault(err error) error {
	switch {
	case fault.Find(err) != nil, errors.Is(err, family.ErrPanicked), errors.Is(err, store.ErrConflict): // ErrConflict: the random ID exists
		return err
	case errors.Is(err, family.ErrTooLarge):
		return fault.Bad(fault.Provider, err)
	default:
		return fault.Down(fault.Store, err)
	}
}

// readable replaces control characters and shortens a text to the maximum length of [store.Session]'s Subject.
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
