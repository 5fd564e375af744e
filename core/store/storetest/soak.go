package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Soak tests refresh token rotation under load: 50 concurrent callers on 3 instances, each with its own store in the same place. In
// every round all callers send the same refresh token. The provider must be asked for new tokens once, and all callers must get the
// same response: they wait for it, or get it within the grace period. After every tenth round, all callers send the spent token again
// after its grace period, and the session must end (reuse detection).
func Soak(t *testing.T, backend Backend, rounds int) {
	t.Helper()
	soak(t, backend, rounds)
}

func soak(t testing.TB, backend Backend, rounds int) {
	s := newSoak(t, openSome(t, backend, rivals))
	started := time.Now()
	token := s.begin()
	for round := 1; round <= rounds && !t.Failed(); round++ {
		next := s.round(token)
		if round%10 == 0 {
			s.reuse(token)
			next = s.begin()
		}
		token = next
	}
	t.Logf("rounds: %d, spends: %d, double spends: %d, ended by reuse: %d, duration: %v",
		rounds, s.spends.Load(), s.doubles, s.ended, time.Since(started).Round(time.Millisecond))
}

// crowd is what a soak needs.
type crowd struct {
	t        testing.TB
	families []*family.Families
	clock    atomic.Int64 // since epoch
	spends   atomic.Int64
	doubles  int64
	ended    int
}

const (
	grace = 10 * time.Second
	lease = 30 * time.Second
)

func newSoak(t testing.TB, stores []store.Store) *crowd {
	t.Helper()
	s := &crowd{t: t}
	for _, db := range stores {
		families, err := family.New(family.Config{
			Store: db, Secrets: [][]byte{hash(9)}, Client: "soak", Lease: lease, Wait: 20 * time.Second, Grace: grace, Feed: 5 * time.Minute,
			Now: func() time.Time { return after(time.Duration(s.clock.Load())) },
		})
		must(t, "family.New", err)
		t.Cleanup(families.Close)
		s.families = append(s.families, families)
	}
	return s
}

// begin starts a family, and returns its first token.
func (s *crowd) begin() string {
	s.t.Helper()
	token := family.NewToken()
	must(s.t, "Begin", s.families[0].Begin(s.t.Context(), token, family.Login{Subject: "soak", Data: []byte("0"), Expires: s.end()}))
	return token.Text
}

func (s *crowd) end() time.Time { return after(time.Duration(s.clock.Load()) + time.Hour) }

// round spends a token from everywhere at once, and returns the one that follows.
func (s *crowd) round(token string) string {
	s.t.Helper()
	var spends atomic.Int64
	answers := make([][]byte, contenders)
	atOnce(s.t, contenders, func(worker int) (err error) {
		answers[worker], err = s.families[worker%rivals].Rotate(s.t.Context(), token,
			func(_ context.Context, turn family.Turn) (*family.Result, error) {
				spends.Add(1)
				return &family.Result{Data: append(turn.Data, '+'), Answer: []byte(turn.Next.Text), Expires: s.end()}, nil
			})
		return err
	})
	s.spends.Add(spends.Load())
	if spends.Load() != 1 {
		s.doubles += max(spends.Load()-1, 0)
		s.t.Errorf("the token was spent %d times, want 1", spends.Load())
	}
	for worker, answer := range answers {
		if !bytes.Equal(answer, answers[0]) {
			s.t.Errorf("%d of %d got another answer", worker, contenders)
		}
	}
	return string(answers[0])
}

// reuse brings a spent token when its grace is over on every instance: its family ends, once, and nobody gets an answer.
func (s *crowd) reuse(token string) {
	s.t.Helper()
	s.clock.Add(int64(grace + clocks.Skew))
	errs := together(contenders, func(worker int) error {
		_, err := s.families[worker%rivals].Rotate(s.t.Context(), token, func(context.Context, family.Turn) (*family.Result, error) {
			s.t.Error("a spent token was spent again")
			return nil, errors.New("spent")
		})
		return err
	})
	enders := 0
	for _, err := range errs {
		wantError(s.t, "Rotate of a spent token", err, family.ErrEnded)
		if errors.Is(err, family.ErrReused) {
			enders++
		}
	}
	if enders != 1 {
		s.t.Errorf("%d have ended the family, want 1", enders)
	}
	s.ended++
}
