package session

import (
	"context"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"golang.org/x/sync/singleflight"
)

const (
	// A seat is read again from the store when it is older than readAge. While the store is unreachable, it is used until it is older
	// than readLimit. Revocations stay in the list longer than that, so that no seat outlives the end of its session.
	readAge   = 30 * time.Minute
	readLimit = time.Hour
	// slide is the fraction of the idle time after which the last request is written to the row.
	slide = 20
	// coolDown is the pause after a request to the provider about one session, successful or not.
	coolDown = time.Minute
)

// BrowserConfig has the settings of browser sessions. New must be set.
type BrowserConfig struct {
	Idle, Lifetime, RefreshAfter time.Duration
	PerUser                      int      // 0: unlimited
	Cache                        int      // approximate number of seats in memory
	Claims                       []string // names of the provider's claims that a script may see
	New                          func() *Seat
	Trouble                      *trouble.Trouble // logs that the provider issues no refresh tokens
}

// Browsers manages browser sessions: each is a row in the store, found by a cookie. Safe for concurrent use.
type Browsers struct {
	*Vault

	own    BrowserConfig
	seats  *tokencache.Cache[*Seat]
	reads  singleflight.Group
	sealed *trouble.Limit // of log lines about rows that cannot be decrypted
}

// NewBrowsers makes browser sessions in a vault.
func NewBrowsers(v *Vault, cfg BrowserConfig) *Browsers {
	return &Browsers{Vault: v, own: cfg, seats: tokencache.New[*Seat](max(cfg.Cache, 1)), sealed: trouble.OncePerMinute()}
}

// Arrival describes a browser that comes back from the provider.
type Arrival struct {
	Begun time.Time // start of the login
	Old   string    // the browser's cookie so far, whose session ends; "" for none
	Agent string    // User-Agent
}

// Begin begins a session for a login and returns its cookie. The session of the browser's old cookie ends.
func (b *Browsers) Begin(ctx context.Context, login *Grant, from Arrival) (cookie string, seat *Seat, err error) {
	open, err := b.ready(ctx)
	if err != nil {
		login.from.Forsake(ctx, login.RefreshToken)
		return "", nil, err
	}
	r, err := b.newRecord(ctx, login)
	if err == nil {
		r.Begun = from.Begun.UnixMilli()
		cookie, seat, err = b.begin(ctx, open, r, login, from)
	}
	if err != nil {
		login.from.Forsake(ctx, login.RefreshToken) // it will never be used
		return "", nil, err
	}
	b.Replace(ctx, from.Old, seat)
	b.bound(ctx, seat)
	return cookie, seat, nil
}

// Replace ends the session of a browser's old cookie: [Browsers.Begin] does not get it if the browser did not send it.
func (b *Browsers) Replace(ctx context.Context, old string, by *Seat) {
	if old, err := b.known(ctx, old); err == nil && old.ID != by.ID {
		_, _ = b.End(ctx, old) // a failure is logged, and the end retried
	}
}

func (b *Browsers) begin(ctx context.Context, open *opened, r *record, login *Grant, from Arrival) (string, *Seat, error) {
	cookie, now := family.NewCookie(), time.Now()
	begun := r.login(login)
	begun.Expires, begun.Idle, begun.Note = now.Add(b.own.Lifetime), now.Add(b.own.Idle), []byte(from.Agent)
	row := family.Row{}
	row.ID, row.Started, row.Expires, row.Idle, row.Seen = cookie.ID, now, begun.Expires, begun.Idle, now
	row.Owner, row.ProviderSession = begun.Owner, begun.ProviderSession
	seat, err := b.seat(ctx, row, r)
	if err != nil {
		return "", nil, err
	}
	if err := b.cfg.Permit(seat.Token); err != nil {
		return "", nil, err
	}
	if begun.Data, err = r.text(); err == nil {
		err = open.families.Begin(ctx, cookie, begun)
	}
	if err != nil {
		return "", nil, storeFault(err)
	}
	if err := b.slipped(ctx, cookie.ID, seat.all, seat.single, seat.begun); err != nil {
		return "", nil, err
	}
	b.keep(cookie.Text, seat)
	b.noRefresh(ctx, r)
	return cookie.Text, seat, nil
}

// noRefresh logs once if the provider issues no refresh tokens: without one, a session is never refreshed.
func (b *Browsers) noRefresh(ctx context.Context, r *record) {
	if r.Refresh == "" {
		b.own.Trouble.Seen(ctx, errNoRefresh)
	} else {
		b.own.Trouble.Seen(ctx, nil)
	}
}

var errNoRefresh = &trouble.Mistake{
	Text:  "the provider issues no refresh token: a session keeps the roles of its login",
	Check: "the provider's settings of this client, and offline_access in Config.Scopes",
}

// seat makes the seat of a row.
func (b *Browsers) seat(ctx context.Context, row family.Row, r *record) (*Seat, error) {
	p, err := b.personOf(ctx, r)
	if err != nil {
		return nil, err
	}
	token, err := b.token(order{person: p, session: row.ID, scope: r.Scope, acr: r.ACR, authTime: r.AuthTime}, time.Now(), row.Expires)
	if err != nil {
		return nil, err
	}
	s := b.own.New()
	s.Token, s.ID, s.Provider, s.Started, s.Expires = token, row.ID, r.Issuer, row.Started, row.Expires
	s.all, s.single, s.begun = endName(row.Owner), endName(row.ProviderSession), time.UnixMilli(r.Begun)
	s.heard, s.read, s.renewable = time.Unix(r.Heard, 0), time.Now(), r.Refresh != ""
	s.Shown = p.shown(b.own.Claims)
	if !row.Idle.IsZero() {
		s.idle.Store(row.Idle.UnixMilli())
	}
	s.seen.Store(row.Seen.UnixMilli())
	return s, nil
}

func (b *Browsers) keep(cookie string, seat *Seat) {
	b.seats.Put(&seat.node, cookie, seat, len(cookie)+seat.Token.Size())
}

// bound ends the oldest sessions of a person who has more than PerUser.
func (b *Browsers) bound(ctx context.Context, seat *Seat) {
	if b.own.PerUser <= 0 {
		return
	}
	list, err := b.List(ctx, seat.Person())
	if err != nil {
		b.endTrouble.Seen(ctx, err)
		return
	}
	for _, info := range list[min(len(list), b.own.PerUser):] {
		_, _ = b.leave(ctx, info.ID, info.Expires)
	}
}

// End ends a session everywhere, and at the provider. The results are those of [Sessions.End].
func (b *Browsers) End(ctx context.Context, seat *Seat) (Left, error) {
	ctx, cancel := provider.Detached(ctx)
	defer cancel()
	return b.leave(ctx, seat.ID, time.Now())
}

// isEnd reports whether an error means that there is no session.
func isEnd(err error) bool {
	return errors.Is(err, family.ErrEnded) || errors.Is(err, family.ErrSealed)
}
