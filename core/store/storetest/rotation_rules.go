package storetest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// judge holds the end of a visit to the rules.
func (m *rotation) judge(rt *rapid.T, v *visit) {
	died := !v.returned || v.on.store.isDead()
	if v.processed && (died || v.err != nil && (v.late(m.now()) || v.login.ended || v.login.excuse != "")) {
		v.login.lost[v.upstream] = true // whether it was stored, nobody knows
	}
	if v.processed && v.verdict == good && v.err != nil && !died && !v.left && !v.late(m.now()) && v.login.excuse == "" {
		rt.Fatalf("the provider has answered in time, and the client has no answer: %v", v.err)
	}
	if end := v.began.Add(longestLease); (died || errors.Is(v.err, errLost)) && end.After(v.login.left) {
		v.login.left = end
	}
	switch {
	case died:
	case v.err == nil:
		m.wantRightAnswer(rt, v)
	case errors.Is(v.err, family.ErrEnded):
		m.wantExcusedEnd(rt, v)
	case errors.Is(v.err, family.ErrBusy):
		m.wantHolder(rt, v)
	case !errors.Is(v.err, errDown) && !errors.Is(v.err, errLost):
		rt.Fatalf("Rotate: %v", v.err)
	}
}

// wantHolder: a request that has to be tried again has asked the provider, or has seen a lease: of a request that asks, or
// of one that is gone and whose lease has not run out.
func (m *rotation) wantHolder(rt *rapid.T, v *visit) {
	busy := slices.ContainsFunc(m.pending, func(other *visit) bool { return other.login == v.login })
	if !v.asked.Load() && (!v.held.Load() || !busy && !m.now().Before(v.login.left)) {
		rt.Fatalf("busy, and no request holds the lease")
	}
}

// wantRightAnswer: no token has two answers, none is answered when its time is over, and none after its family's end.
func (m *rotation) wantRightAnswer(rt *rapid.T, v *visit) {
	of := v.token
	switch {
	case v.login.ended:
		rt.Fatalf("an answer after the end of the family")
	case of.answer != nil && !bytes.Equal(of.answer, v.answer):
		rt.Fatalf("a token has two answers: %q and %q", of.answer, v.answer)
	case of.successor != nil && of.successor.answer != nil:
		rt.Fatalf("a token was answered whose successor is spent")
	case v.on.refused[v.login.id]:
		rt.Fatalf("an answer of an instance that refuses its access token")
	case of.answer != nil && m.now().Sub(of.rotated) >= graceOn(v.on, of.by):
		rt.Fatalf("a spent token was answered after the grace")
	}
	if of.answer == nil {
		text, _, _ := strings.Cut(string(v.answer), " ")
		of.answer, of.successor = v.answer, newClientToken(text)
		if v.asked.Load() {
			of.rotated, of.since, of.by = m.now(), m.now(), v.on
		}
		v.login.tokens = append(v.login.tokens, of.successor)
	}
	if issued := m.issued[string(v.answer)]; issued.After(v.login.latest) {
		v.login.latest = issued
	}
	if v.login.newest == of && !rapid.Bool().Draw(rt, "answer is lost") {
		v.login.newest = of.successor
	}
}

// graceOn is how long an instance may answer a token again that by has spent: only that one knows to the moment.
func graceOn(on, by *instance) time.Duration {
	switch {
	case by == nil:
		return grace + 2*clocks.Skew
	case on == by:
		return grace
	default:
		return grace + clocks.Skew + by.now().Sub(on.now())
	}
}

// wantExcusedEnd: nobody is logged out without a reason, and what the provider gave to a family that had ended meanwhile
// is given back.
func (m *rotation) wantExcusedEnd(rt *rapid.T, v *visit) {
	if v.login.excuse == "" {
		rt.Fatalf("logged out without a reason: %v", v.err)
	}
	if v.on.refused[v.login.id] {
		return // the store may not know of it yet
	}
	v.login.ended = true
	if errors.Is(v.err, family.ErrReused) {
		m.wantInFeed(rt, v.login, v.on)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.processed && v.verdict != lost && !m.abandoned[v.given] {
		rt.Fatalf("the family had ended, and what the provider gave was not abandoned")
	}
}

// wantInFeed: every instance learns of an end, for as long as an access token is accepted that anybody has got.
func (m *rotation) wantInFeed(rt *rapid.T, l *login, on *instance) {
	now := on.now()
	least := now.Add(5 * time.Minute)
	if end := l.latest.Add(leeway); end.After(least) {
		least = end
	}
	for _, db := range m.stores {
		entries, err := db.Revoked(m.ctx, now, least.Add(-time.Millisecond))
		if err != nil {
			rt.Fatalf("Revoked: %v", err)
		}
		if !slices.ContainsFunc(entries, func(entry store.Revocation) bool { return entry.ID == l.id }) {
			rt.Fatalf("the family has ended, and the feed does not say so until %s", least)
		}
	}
}

// wantLatestData: a logout revokes at the provider what the session held in the end.
func (m *rotation) wantLatestData(rt *rapid.T, l *login, data []byte) {
	if data != nil && string(data) != l.grant.current && len(l.lost) == 0 && !l.grant.revoked {
		rt.Fatalf("the logout got %q, and the provider's is %q", data, l.grant.current)
	}
}
