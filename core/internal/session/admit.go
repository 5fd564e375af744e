package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
)

// Admit returns the session of a cookie. It does not read the store for a session that this process has in memory. isSliding: the
// request extends the idle time. The error is a fault: Ended if there is no session, or an outage if the store is unreachable or the
// claims are older than [provider.StaleAge].
func (b *Browsers) Admit(ctx context.Context, cookie string, isSliding bool) (seat *Seat, cached bool, err error) {
	now := time.Now()
	seat, cached = b.seats.Get(cookie)
	if cached && now.UnixMilli() < seat.quiet.Load() {
		if err := b.checkEnded(ctx, seat, now); err != nil {
			return nil, true, err
		}
		return seat, true, nil
	}
	if !cached || seat.isIdle(now) || now.Sub(seat.read) > readAge { // another instance may have extended it, or ended it
		if seat, err = b.reread(ctx, strings.Clone(cookie), seat, now); err != nil {
			return nil, cached, err
		}
	}
	if !now.Before(seat.Expires) {
		return nil, cached, ended()
	}
	if err := b.checkEnded(ctx, seat, now); err != nil {
		return nil, cached, err
	}
	if seat, err = b.freshen(ctx, cookie, seat, now); err != nil {
		return nil, cached, err
	}
	if isSliding {
		b.touch(seat, now) //nolint:contextcheck // the write outlives the request
	}
	seat.quiet.Store(b.nextWork(seat).UnixMilli())
	return seat, cached, nil
}

// nextWork returns the time from which a request has more to do than to look into the revocation list.
func (b *Browsers) nextWork(seat *Seat) time.Time {
	next := seat.Expires
	sooner := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	sooner(seat.read.Add(readAge))
	if seat.renewable {
		sooner(seat.heard.Add(b.own.RefreshAfter))
	}
	if idle := seat.IdleExpires(); !idle.IsZero() {
		sooner(idle)
		sooner(seat.Seen().Add(b.own.Idle / slide))
	}
	return next
}

// HasEnded reports whether an admitted session has ended. An error counts as no.
func (b *Browsers) HasEnded(ctx context.Context, seat *Seat) bool {
	now := time.Now()
	return !now.Before(seat.Expires) || fault.Is(b.checkEnded(ctx, seat, now), fault.Ended)
}

func ended() error { return fault.New(fault.Ended, family.ErrEnded) }

// checkEnded looks into the revocation list, once for each state of it.
func (b *Browsers) checkEnded(ctx context.Context, seat *Seat, now time.Time) error {
	moment, err := b.feed.At(ctx, now)
	if last := seat.alive.Load(); err == nil && last != nil && *last == moment {
		return nil
	}
	over := false
	if err == nil {
		over, err = b.hasEnded(ctx, seat.ID, seat.all, seat.begun)
	}
	if err == nil && !over && seat.single != "" {
		over, err = b.feed.Has(ctx, seat.single)
	}
	switch {
	case err != nil:
		return fault.Down(fault.Store, err)
	case over:
		return ended()
	default:
		kept := moment // copied here, so that only this path allocates
		seat.alive.Store(&kept)
		return nil
	}
}

// reread reads the row of a cookie. If the store is unreachable, the last seat is used until readLimit.
func (b *Browsers) reread(ctx context.Context, cookie string, last *Seat, now time.Time) (*Seat, error) {
	read := func() (any, error) { return b.known(ctx, cookie) }
	found, err, _ := b.reads.Do(cookie, read)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil { // the client of the shared read has left
		found, err = read()
	}
	switch {
	case err == nil:
		return found.(*Seat), nil
	case fault.Is(err, fault.Outage) && last != nil && !last.isIdle(now) && now.Sub(last.read) < readLimit:
		return last, nil
	default:
		return nil, err
	}
}

// known returns the session of a cookie from the store, within Timeout.
func (b *Browsers) known(ctx context.Context, cookie string) (*Seat, error) {
	if cookie == "" {
		return nil, ended()
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	row, err := open.families.Look(ctx, cookie)
	switch {
	case errors.Is(err, family.ErrSealed):
		if dropped, ok := b.sealed.Take(); ok {
			b.cfg.Log.WarnContext(ctx, "a session cookie was refused", "error", err,
				"check", "Config.SecretKeys, Config.ClientID and Config.PublicURL: the same on every instance", "dropped", dropped)
		}
		return nil, ended()
	case isEnd(err):
		return nil, ended()
	case err != nil:
		return nil, fault.Down(fault.Store, err)
	}
	return b.seated(ctx, cookie, row)
}

// seated makes the seat of a row and caches it.
func (b *Browsers) seated(ctx context.Context, cookie string, row family.Row) (*Seat, error) {
	r, err := readRecord(row.Plain)
	if err != nil {
		return nil, err
	}
	seat, err := b.seat(ctx, row, r)
	if err == nil {
		b.keep(cookie, seat)
	}
	return seat, err
}

// touch writes the time of a request to the row in the background, at most once in Idle/slide.
func (b *Browsers) touch(seat *Seat, now time.Time) {
	if seat.idle.Load() == 0 || now.Sub(seat.Seen()) < b.own.Idle/slide || !seat.touching.CompareAndSwap(false, true) {
		return
	}
	later(&seat.idle, now.Add(b.own.Idle))
	later(&seat.seen, now)
	b.background(func(ctx context.Context) {
		defer seat.touching.Store(false)
		_ = b.cfg.Store.Touch(ctx, seat.ID, stored.Time(now), stored.Time(now.Add(b.own.Idle))) // a later request writes again; an ended session is in the list
	})
}

// background runs work that the request does not wait for. None begins after Close.
func (b *Browsers) background(do func(context.Context)) {
	if open := b.opened(); open != nil { // always true, because there is a seat
		_ = open.families.Background(context.Background(), do)
	}
}

// freshen refreshes claims that are older than RefreshAfter: in the background, or, if they are older than [provider.StaleAge], before
// the request continues.
func (b *Browsers) freshen(ctx context.Context, cookie string, seat *Seat, now time.Time) (*Seat, error) {
	age := now.Sub(seat.heard)
	if !seat.renewable || age < b.own.RefreshAfter {
		return seat, nil
	}
	text := strings.Clone(cookie) // the framework may reuse the request's memory
	if age >= provider.StaleAge {
		return b.renew(ctx, text, seat)
	}
	if now.UnixMilli() >= seat.notBefore.Load() && seat.renewing.CompareAndSwap(false, true) {
		b.background(func(ctx context.Context) { //nolint:contextcheck // the refresh outlives the request
			defer seat.renewing.Store(false)
			_, _ = b.renew(ctx, text, seat) // the next request sees the result
		})
	}
	return seat, nil
}

// renew refreshes a session at the provider under its lease, so that only one instance does. A refusal ends the session.
func (b *Browsers) renew(ctx context.Context, cookie string, seat *Seat) (*Seat, error) {
	later(&seat.notBefore, time.Now().Add(coolDown))
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	row, err := open.families.Renew(ctx, seat.ID, b.isDue, b.askAgain)
	switch {
	case isEnd(err):
		b.feed.Add(seat.ID, time.Now().Add(b.endedLife()))
		return nil, ended()
	case errors.Is(err, family.ErrBusy):
		return nil, fault.Down(fault.Session, err)
	case err != nil:
		return nil, storeFault(err)
	}
	return b.seated(ctx, cookie, row)
}

// isDue reports whether the record of a row is older than RefreshAfter and can be refreshed.
func (b *Browsers) isDue(plain []byte) bool {
	r, err := readRecord(plain)
	return err == nil && r.Refresh != "" && time.Since(time.Unix(r.Heard, 0)) >= b.own.RefreshAfter
}

// askAgain is the part of a renewal under the lease.
func (v *Vault) askAgain(ctx context.Context, turn family.Turn) (*family.Result, error) {
	r, err := readRecord(turn.Data)
	if err != nil {
		return nil, err
	}
	_, spent, err := v.ask(ctx, r, turn, v.Ready)
	return r.kept(spent || err == nil, err)
}
