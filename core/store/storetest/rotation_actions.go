package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
)

// logIn begins a family, the first one or after the last one's end.
func (m *rotation) logIn(rt *rapid.T) {
	if n := len(m.logins); n > 0 && (n > 3 || !m.logins[n-1].ended) {
		rt.Skip("nobody has to log in")
	}
	made := family.NewToken()
	upstream := fmt.Sprintf("upstream of login %d", len(m.logins))
	first := newClientToken(made.Text)
	l := &login{
		id: made.ID, grant: &grant{rotates: m.rotates, current: upstream, spent: map[string]bool{}, serial: 1000 * len(m.logins)},
		newest: first, tokens: []*token{first}, lost: map[string]bool{},
	}
	on := m.instance(rt)
	on.store.doom(0, fails)
	err := on.families.Begin(m.ctx, made, family.Login{Subject: "s", Data: []byte(upstream), Expires: m.now().Add(24 * time.Hour)})
	if err != nil {
		rt.Fatalf("Begin: %v", err)
	}
	m.logins = append(m.logins, l)
}

// refresh is the honest client with its newest token; again while an earlier call of it is under way, perhaps.
func (m *rotation) refresh(rt *rapid.T) { m.goOn(rt) }

func (m *rotation) goOn(rt *rapid.T) *visit {
	l := m.logins[len(m.logins)-1]
	if r := l.newest.since; !r.IsZero() && m.now().Sub(r) >= grace {
		l.excuse = "the client comes after the grace" // it has lost the answer
	}
	return m.begin(rt, l, l.newest)
}

// longestLease is how long an instance whose clock is behind may leave a lease to its holder whose clock is ahead.
const longestLease = lease + 2*clocks.Skew

// takeOver is the honest client, when another request has been spending its token for too long.
func (m *rotation) takeOver(rt *rapid.T) {
	if len(m.pending) == 0 {
		rt.Skip("nobody asks")
	}
	m.pass(longestLease)
	m.goOn(rt)
}

// steal is a thief with a copy of any token that there was.
func (m *rotation) steal(rt *rapid.T) {
	if !m.thieves {
		rt.Skip("no thieves here")
	}
	l := rapid.SampledFrom(m.logins).Draw(rt, "login")
	l.excuse = "a thief"
	m.begin(rt, l, rapid.SampledFrom(l.tokens).Draw(rt, "token"))
}

// begin calls Rotate, until it returns or asks the provider.
func (m *rotation) begin(rt *rapid.T, l *login, of *token) *visit {
	on := m.instance(rt)
	v := &visit{login: l, token: of, on: on, began: m.now(), asks: make(chan struct{}), says: make(chan func() (*family.Result, error), 1), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithValue(on.ctx, visitKey{}, v))
	v.cancel = cancel
	m.visits = append(m.visits, v)
	go func() {
		defer close(v.done)
		defer cancel()
		v.answer, v.err = on.families.Rotate(ctx, of.text, v.spend)
		v.returned = true
	}()
	select {
	case <-v.asks:
		m.pending = append(m.pending, v)
	case <-v.done:
		m.judge(rt, v)
	case <-m.ctx.Done():
		rt.Fatalf("Rotate hangs")
	}
	m.restart(rt)
	return v
}

func (m *rotation) providerAnswers(rt *rapid.T) {
	m.conclude(rt, rapid.SampledFrom([]verdict{good, partial, lost, down, refused}).Draw(rt, "verdict"))
}

func (m *rotation) providerAnswersWell(rt *rapid.T) { m.conclude(rt, good) }

// conclude lets the provider answer one of those who ask.
func (m *rotation) conclude(rt *rapid.T, says verdict) {
	if len(m.pending) == 0 {
		rt.Skip("nobody asks")
	}
	i := rapid.IntRange(0, len(m.pending)-1).Draw(rt, "visit")
	v := m.pending[i]
	answer := m.decide(rt, v, says) // which may find a fault, and close lets v go then
	m.pending = slices.Delete(m.pending, i, i+1)
	v.says <- answer
	m.await(rt, v.done)
	m.await(rt, v.works)
	m.judge(rt, v)
	m.restart(rt)
}

// leave lets a client hang up while the provider is asked for it: what was begun goes on.
func (m *rotation) leave(rt *rapid.T) {
	if len(m.pending) == 0 {
		rt.Skip("nobody waits")
	}
	v := rapid.SampledFrom(m.pending).Draw(rt, "visit")
	v.left = true
	v.cancel()
	m.await(rt, v.done)
}

func (m *rotation) logOut(rt *rapid.T) {
	l, on := rapid.SampledFrom(m.logins).Draw(rt, "login"), m.instance(rt)
	l.excuse = "a logout"
	on.refuse(l.id)
	var data []byte
	var err error
	returned := m.run(rt, func() { data, err = on.families.End(on.ctx, l.id, time.Time{}) })
	m.restart(rt)
	if !returned || on.store.isDead() || err != nil {
		return // no client got an answer
	}
	l.ended = true
	m.wantInFeed(rt, l, on)
	m.wantLatestData(rt, l, data)
}

func (m *rotation) timePasses(rt *rapid.T) {
	m.pass(rapid.SampledFrom([]time.Duration{time.Second, grace - time.Millisecond, grace, lease - time.Millisecond, lease, clocks.Skew, longestLease}).Draw(rt, "time"))
}

// doom lets a later call of an instance fail, or be its last.
func (m *rotation) doom(rt *rapid.T) {
	fates := []fate{fails, failsDone}
	if m.crashes {
		fates = append(fates, dies, diesDone)
	}
	m.instance(rt).store.doom(rapid.IntRange(1, 4).Draw(rt, "calls"), rapid.SampledFrom(fates).Draw(rt, "fate"))
}

// crash ends a process at once, whatever it is waiting for.
func (m *rotation) crash(rt *rapid.T) {
	if !m.crashes {
		rt.Skip("no crashes here")
	}
	on := m.instance(rt)
	m.run(rt, on.store.die)
	m.restart(rt)
}

// settle is the end of a sequence: when all is quiet, every client that has no excuse can go on.
func (m *rotation) settle(rt *rapid.T) {
	for len(m.pending) > 0 {
		m.conclude(rt, good)
	}
	m.pass(longestLease)
	for _, on := range m.instances {
		on.store.doom(0, fails)
	}
	last := m.goOn(rt)
	for len(m.pending) > 0 {
		m.conclude(rt, good)
	}
	if slices.ContainsFunc(m.visits, func(v *visit) bool { return v.stole.Load() }) {
		rt.Fatalf("a lease was taken from its holder")
	}
	if last.err != nil && last.login.excuse == "" {
		rt.Fatalf("all is quiet, and the client cannot go on: %v", last.err)
	}
}
