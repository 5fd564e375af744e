package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
)

// grant is a login as the provider keeps it.
type grant struct {
	rotates bool
	current string
	spent   map[string]bool
	serial  int
	revoked bool
}

// spend is a refresh at the provider. reuse says that the grant was ended because of it.
func (g *grant) spend(upstream string) (next string, reuse, ok bool) {
	switch {
	case g.revoked:
		return "", false, false
	case !g.rotates:
		return upstream, false, true
	case g.spent[upstream]:
		g.revoked = true
		return "", true, false
	}
	g.spent[upstream] = true
	g.serial++
	g.current = fmt.Sprint("upstream ", g.serial)
	return g.current, false, true
}

// verdict is what a refresh at the provider comes to.
type verdict int

const (
	good    verdict = iota // an answer
	partial                // new tokens, and something that fails then
	lost                   // an answer that does not arrive
	down                   // the provider is out of order, and has done nothing
	refused                // the provider has ended the grant
)

var errDown = errors.New("the provider is down")

// visit is one call of Rotate, which stops where it asks the provider until the model decides what that says.
type visit struct {
	login  *login
	token  *token
	on     *instance
	cancel context.CancelFunc
	began  time.Time

	asked, held atomic.Bool
	stole       atomic.Bool   // it was sent away from a lease that was held, and asked the provider all the same
	asks        chan struct{} // closed when the provider is asked
	says        chan func() (*family.Result, error)
	done        chan struct{}   // closed when Rotate has returned, or its process has died
	works       <-chan struct{} // closed when what it does in the background has ended
	left        bool            // its client has gone
	upstream    string          // what the provider is asked with
	next        family.Token
	returned    bool
	answer      []byte
	err         error

	processed bool    // by the provider
	given     string  // what the provider gave
	verdict   verdict // what came of it
}

// spend is the [family.Spend] of a visit.
func (v *visit) spend(_ context.Context, turn family.Turn) (*family.Result, error) {
	if v.held.Load() {
		v.stole.Store(true)
		return nil, errDown
	}
	v.upstream, v.next = string(turn.Data), turn.Next
	v.asked.Store(true)
	close(v.asks)
	answer := <-v.says
	if v.on.store.isDead() {
		runtime.Goexit()
	}
	return answer()
}

// decide lets the provider do what it does and makes what it says of it.
func (m *rotation) decide(rt *rapid.T, v *visit, says verdict) func() (*family.Result, error) {
	v.verdict = says
	if says == down {
		return func() (*family.Result, error) { return nil, errDown }
	}
	if says == refused {
		v.login.grant.revoked = true
		v.login.excuse = "the provider refused"
	}
	given, reuse, ok := v.login.grant.spend(v.upstream)
	if reuse {
		m.wantExcusedReuse(rt, v)
		v.login.excuse = "the provider saw a spent token"
	}
	if !ok {
		return func() (*family.Result, error) { return nil, fmt.Errorf("no: %w", family.ErrRefused) }
	}
	v.processed, v.given = true, given
	result := &family.Result{Data: []byte(given), Answer: []byte(v.next.Text + " " + given), Expires: m.now().Add(24 * time.Hour)}
	result.Issued = m.now().Add(rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, 24 * time.Hour}).Draw(rt, "token life"))
	m.issued[string(result.Answer)] = result.Issued
	switch says {
	case lost:
		v.login.lost[v.upstream] = true
		return func() (*family.Result, error) { return nil, errDown }
	case partial:
		return func() (*family.Result, error) { return &family.Result{Data: result.Data}, errDown }
	}
	if !v.left { // otherwise no client gets it, and the token stays valid
		v.token.maySpend(m.now())
	}
	return func() (*family.Result, error) { return result, nil }
}

// maySpend notes that the token is spent now, unless it was before: a late answer, after another request took over and had
// one, spends nothing.
func (t *token) maySpend(now time.Time) {
	if t.answer != nil {
		return
	}
	t.rotated = now
	if t.since.IsZero() {
		t.since = now
	}
}

// wantExcusedReuse: the provider may see a token twice when the answer to the first was lost with a process or on its
// way, or when the lease of the request ran out.
func (m *rotation) wantExcusedReuse(rt *rapid.T, v *visit) {
	if !v.login.lost[v.upstream] && !v.late(m.now()) && !v.on.store.isDead() {
		rt.Fatalf("the provider sees %q twice", v.upstream)
	}
}

// late says that the lease of a visit has run out.
func (v *visit) late(now time.Time) bool { return !now.Before(v.began.Add(lease)) }
