package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// keyEndpoint is a provider whose keys change and whose key endpoint can fail or hang. It counts fetches.
type keyEndpoint struct {
	*provider
	fetches atomic.Int64

	mu   sync.Mutex
	keys string
	down bool
	hang chan struct{} // answers wait until it is closed
}

func (e *keyEndpoint) change(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// RoundTrip implements [http.RoundTripper].
func (e *keyEndpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.String() != issuer+"/keys" {
		return e.provider.RoundTrip(r)
	}
	e.fetches.Add(1)
	e.mu.Lock()
	keys, down, hang := e.keys, e.down, e.hang
	e.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	status := http.StatusOK
	if down {
		status, keys = http.StatusServiceUnavailable, "{}"
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(keys)), Request: r}, nil
}

// scene has a service, its provider, and two keys; the first is published.
type scene struct {
	*keyEndpoint
	known, other *key
	guard        *core.Guard
	good         core.Credentials
}

// keyCase is one row of the table: it plays a scene and returns the counts.
type keyCase struct {
	name, must string
	play       func(context.Context, *scene) (seen string, ok bool)
	slow       bool // it waits for a cool-down of ten seconds
}

// keySet writes the table about the cost of a key set: goal 9, as far as a short run can show it.
func keySet(ctx context.Context, r *report, e effort) error {
	r.section("The key set", "Fetches are counted at the provider's endpoint, each row with a new service. Cases that take minutes (an outage longer than the keys' age, a\n"+
		"withdrawn key) are tested in core with a clock of the test.")
	rows := [][]string{}
	all := true
	for _, c := range keyCases {
		if c.slow && e.quick {
			continue
		}
		s, done, err := newScene()
		if err != nil {
			return err
		}
		seen, ok := c.play(ctx, s)
		done()
		all = all && ok
		if !ok {
			seen = "**" + seen + "**"
		}
		rows = append(rows, []string{c.name, c.must, seen})
	}
	r.table([]string{"", "must", "seen"}, rows)
	r.judge(9, "key set: every row of its table", fmt.Sprintf("%d rows of those that take seconds", len(rows)), all)
	return nil
}

func newScene() (*scene, func(), error) {
	known, errKnown := newKey("EdDSA")
	other, errOther := newKey("EdDSA")
	if err := errors.Join(errKnown, errOther); err != nil {
		return nil, nil, err
	}
	p := newProvider(known)
	s := &scene{keyEndpoint: &keyEndpoint{provider: p, keys: p.keys}, known: known, other: other}
	config := p.config(-1)
	config.HTTPClient = &http.Client{Transport: s.keyEndpoint}
	auth, err := core.New(config)
	if err != nil {
		return nil, nil, err
	}
	s.guard, s.good = auth.Required(), bearer(known.token(keycloak(nil)))
	return s, func() { _ = auth.Close() }, nil
}

// atOnce sends n requests at the same time and returns how many were refused.
func (s *scene) atOnce(ctx context.Context, n int, header func(i int) core.Credentials) int {
	var refused atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if s.guard.Admit(ctx, header(i)).Err != nil {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	return int(refused.Load())
}

func (s *scene) goods(int) core.Credentials { return s.good }

// strangers returns tokens with unknown key ids.
func (s *scene) strangers(i int) core.Credentials {
	k := *s.other
	k.id = fmt.Sprintf("stranger-%d", i)
	return bearer(k.token(keycloak(nil)))
}

func (s *scene) warm(ctx context.Context) { _ = s.atOnce(ctx, 1, s.goods) }

// fetched counts the fetches during play.
func (s *scene) fetched(play func()) int64 {
	before := s.fetches.Load()
	play()
	return s.fetches.Load() - before
}

var keyCases = []keyCase{
	{"cold, 1000 good tokens at once", "1 fetch, none refused", func(ctx context.Context, s *scene) (string, bool) {
		refused := 0
		n := s.fetched(func() { refused = s.atOnce(ctx, 1000, s.goods) })
		return fmt.Sprintf("%d, %d refused", n, refused), n == 1 && refused == 0
	}, false},
	{"1000 unknown key ids at once", "1 fetch", func(ctx context.Context, s *scene) (string, bool) {
		s.warm(ctx)
		n := s.fetched(func() { s.atOnce(ctx, 1000, s.strangers) })
		return fmt.Sprint(n), n == 1
	}, false},
	{"200 unknown key ids in turn", "1 fetch", func(ctx context.Context, s *scene) (string, bool) {
		s.warm(ctx)
		n := s.fetched(func() {
			for i := range 200 {
				s.atOnce(ctx, 1, func(int) core.Credentials { return s.strangers(i) })
			}
		})
		return fmt.Sprint(n), n == 1
	}, false},
	{"1000 unknown key ids at once, the endpoint answers 503", "1 fetch, good tokens pass", func(ctx context.Context, s *scene) (string, bool) {
		s.warm(ctx)
		s.change(func() { s.down = true })
		n := s.fetched(func() { s.atOnce(ctx, 1000, s.strangers) })
		refused := s.atOnce(ctx, 100, s.goods)
		return fmt.Sprintf("%d, %d refused", n, refused), n == 1 && refused == 0
	}, false},
	{"500 good tokens while 500 unknown key ids hang on a slow endpoint", "none refused, none waits", whileStrangersHang, false},
	{"key rotated: a new key id", "accepted at once", func(ctx context.Context, s *scene) (string, bool) {
		s.warm(ctx)
		s.change(func() { s.keys = newProvider(s.known, s.other).keys })
		refused := s.atOnce(ctx, 1, func(int) core.Credentials { return bearer(s.other.token(keycloak(nil))) })
		return fmt.Sprintf("%d refused", refused), refused == 0
	}, false},
	{"the same just after an unknown key id", "accepted within the cool-down", afterAStranger, true},
	{"200 with an empty key list", "the last set stays", func(ctx context.Context, s *scene) (string, bool) {
		s.warm(ctx)
		s.change(func() { s.keys = `{"keys":[]}` })
		n := s.fetched(func() { s.atOnce(ctx, 1, s.strangers) })
		refused := s.atOnce(ctx, 100, s.goods)
		return fmt.Sprintf("%d fetch, %d refused", n, refused), n == 1 && refused == 0
	}, false},
	{"started while the endpoint is down, then up", "accepted without a restart", func(ctx context.Context, s *scene) (string, bool) {
		s.change(func() { s.down = true })
		first := s.atOnce(ctx, 1, s.goods)
		s.change(func() { s.down = false })
		then := s.atOnce(ctx, 1, s.goods)
		return fmt.Sprintf("%d refused while down, %d after", first, then), first == 1 && then == 0
	}, false},
}

func whileStrangersHang(ctx context.Context, s *scene) (string, bool) {
	s.warm(ctx)
	hang := make(chan struct{})
	s.change(func() { s.hang = hang })
	var strangers sync.WaitGroup
	strangers.Go(func() { s.atOnce(ctx, 500, s.strangers) })
	for s.fetches.Load() < 2 { // the fetch for the strangers has begun
		time.Sleep(time.Millisecond)
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	refused := s.atOnce(bounded, 500, s.goods) // waiting requests are refused, because the endpoint answers later
	close(hang)
	strangers.Wait()
	return fmt.Sprintf("%d refused", refused), refused == 0
}

func afterAStranger(ctx context.Context, s *scene) (string, bool) {
	s.warm(ctx)
	s.atOnce(ctx, 1, s.strangers)
	s.change(func() { s.keys = newProvider(s.known, s.other).keys })
	header := bearer(s.other.token(keycloak(nil)))
	begin := time.Now()
	for time.Since(begin) < 11*time.Second {
		if s.atOnce(ctx, 1, func(int) core.Credentials { return header }) == 0 {
			return "after " + time.Since(begin).Round(time.Second/10).String(), true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "refused for 11 s", false
}
