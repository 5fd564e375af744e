package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// rotationModel plays the life of families on several instances: honest clients that lose answers, thieves with copies,
// logouts, a provider that fails in every way, processes that die between two steps, and clocks that only the model moves
// and that differ by up to [clocks.Skew]. What has to hold in every case is checked after each step; see rotation_rules.go.
func rotationModel(t testing.TB, backend Backend, rotates bool) {
	stores := openSome(t, backend, rivals)
	explore(t, func(rt *rapid.T) {
		m := newRotation(t, rt, stores, rotates)
		defer m.close()
		m.logIn(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"log in": m.logIn, "refresh": m.refresh, "provider answers": m.providerAnswers, "provider answers well": m.providerAnswersWell,
			"leave": m.leave, "take over": m.takeOver,
			"steal": m.steal, "log out": m.logOut, "time passes": m.timePasses, "doom": m.doom, "crash": m.crash,
		})
		m.settle(rt)
	})
}

// rotation is the world of the model.
type rotation struct {
	ctx       context.Context
	rotates   bool
	thieves   bool // some worlds have none: what happens there has no excuse
	crashes   bool
	clock     time.Time
	apart     []time.Duration // by what the clock of each instance differs
	stores    []store.Store
	instances []*instance
	logins    []*login
	visits    []*visit
	pending   []*visit // those at the provider

	mu        sync.Mutex
	abandoned map[string]bool
	issued    map[string]time.Time // when the access token in an answer expires
}

// instance is a process of the service.
type instance struct {
	families *family.Families
	store    *mortal
	ctx      context.Context // ends with the process
	now      func() time.Time

	mu      sync.Mutex
	refused map[string]bool // families that were ended here, whatever the store said
}

// refuses is the revocation list of an instance, as far as it has filled it itself.
func (i *instance) refuses(_ context.Context, id string) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.refused[id], nil
}

func (i *instance) refuse(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refused[id] = true
}

// login is one family as everybody but the service sees it.
type login struct {
	id     string
	grant  *grant
	newest *token // that its client has
	tokens []*token
	lost   map[string]bool // upstream tokens whose answer may never have been stored
	left   time.Time       // until when a process that died or lost its connection may hold the lease
	latest time.Time       // when the last access token expires that anybody has got
	excuse string          // why the client may be logged out; "": it may not
	ended  bool            // a client got that answer
}

// token is a refresh token that a client was given.
type token struct {
	text      string
	hash      []byte
	answer    []byte    // that it was spent for, once a client has got it
	successor *token    // in the answer
	rotated   time.Time // when it was spent; until a client has got the answer, the last time that it may have been
	since     time.Time // as rotated, the first time
	by        *instance // that spent it, if the client that got the answer asked there
}

func newRotation(t testing.TB, rt *rapid.T, stores []store.Store, rotates bool) *rotation {
	m := &rotation{
		ctx: within(t), rotates: rotates, clock: epoch, stores: stores, instances: make([]*instance, len(stores)), abandoned: map[string]bool{}, issued: map[string]time.Time{},
		thieves: rapid.Bool().Draw(rt, "thieves"), crashes: rapid.Bool().Draw(rt, "crashes"),
	}
	for i := range stores {
		by := rapid.SampledFrom([]time.Duration{0, clocks.Skew / 2, -clocks.Skew / 2, 11 * time.Second, -11 * time.Second}).Draw(rt, "clock")
		m.apart = append(m.apart, by)
		m.start(rt, i)
	}
	return m
}

func (m *rotation) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}

func (m *rotation) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = m.clock.Add(d)
}

func (m *rotation) abandon(_ context.Context, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.abandoned[string(data)] = true
}

// start makes a process, in the place of one that may have died.
func (m *rotation) start(rt *rapid.T, i int) {
	ctx, cancel := context.WithCancel(m.ctx)
	on := &instance{ctx: ctx, refused: map[string]bool{}, now: func() time.Time { return m.now().Add(m.apart[i]) }}
	on.store = &mortal{Store: m.stores[i], now: on.now, died: cancel}
	families, err := family.New(family.Config{
		Store: on.store, Secrets: [][]byte{hash(9)}, Client: "model", Lease: lease, Wait: patience, Grace: grace, Feed: 5 * time.Minute, Leeway: leeway,
		Abandon: m.abandon, Revoked: on.refuses, Now: on.now,
	})
	if err != nil {
		rt.Fatalf("family.New: %v", err)
	}
	on.families = families
	m.instances[i] = on
}

// leeway is how long after its expiry an access token is accepted.
const leeway = 30 * time.Second

// restart replaces the dead.
func (m *rotation) restart(rt *rapid.T) {
	for i, on := range m.instances {
		if on.store.isDead() {
			m.start(rt, i)
		}
	}
}

// close lets everything end that is still under way, so that no sequence sees another.
func (m *rotation) close() {
	for _, v := range m.visits {
		select {
		case v.says <- func() (*family.Result, error) { return nil, errDown }:
		default: // it has an answer already
		}
	}
	for _, on := range m.instances {
		on.families.Close()
		on.store.died() // frees its context
	}
}

func (m *rotation) instance(rt *rapid.T) *instance {
	return rapid.SampledFrom(m.instances).Draw(rt, "instance")
}

// run calls an instance as a request does: in a goroutine that dies with the process. It reports whether it returned.
func (m *rotation) run(rt *rapid.T, do func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
		returned = true
	}()
	m.await(rt, done)
	return returned
}

// await waits for what has to come. Nothing in the model takes time but the store.
func (m *rotation) await(rt *rapid.T, done <-chan struct{}) {
	select {
	case <-done:
	case <-m.ctx.Done():
		rt.Fatalf("it hangs")
	}
}

func newClientToken(text string) *token {
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	sum := sha256.Sum256(raw[16:])
	return &token{text: text, hash: sum[:]}
}
