package integration

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/tcpproxy"
)

// stores are those that instances on several machines share.
var stores = map[string]func(testing.TB) (url, address string){
	"PostgreSQL": dbserver.PostgreSQL,
	"Redis": func(t testing.TB) (string, string) {
		address, database := dbserver.Redis(t)
		return fmt.Sprintf("redis://%s/%d", address, database), address
	},
}

func onStores(t *testing.T, test func(t *testing.T, url, address string)) {
	for name, place := range stores {
		t.Run(name, func(t *testing.T) {
			url, address := place(t)
			test(t, url, address)
		})
	}
}

// A login on one instance, a refresh on another and a logout on the third take effect on all.
func TestInstancesShareSessions(t *testing.T) {
	onStores(t, func(t *testing.T, url, _ string) {
		f := newFleet(t, url)
		a, b, c := f.instances[0], f.instances[1], f.instances[2]
		token := a.login("alice")
		for _, i := range f.instances {
			if status, _, text := i.get("/me", token.AccessToken); status != http.StatusOK || text != "alice\n" {
				t.Fatalf("/me: %d %s", status, text)
			}
		}
		status, next := b.refresh(token.RefreshToken)
		if status != http.StatusOK {
			t.Fatalf("refresh: %d", status)
		}
		if status, _, _ := c.get("/api/auth/v2/logout", next.AccessToken); status != http.StatusFound {
			t.Fatalf("logout: %d", status)
		}
		begin := time.Now()
		for _, i := range f.instances {
			eventually(t, 10*time.Second, "the access token dies", func() bool { status, _, _ := i.get("/me", next.AccessToken); return status == http.StatusUnauthorized })
		}
		t.Logf("dead on all three after %s", time.Since(begin).Round(time.Millisecond))
		for _, refresh := range []string{token.RefreshToken, next.RefreshToken} {
			if status, _ := a.refresh(refresh); status != http.StatusUnauthorized {
				t.Errorf("refresh after logout: %d", status)
			}
		}
	})
}

// Many refreshes while instances are killed: no token is spent twice, and no session is lost except those for which the provider's
// response was under way at that moment. If the provider does not rotate, none is lost.
func TestKilledInstances(t *testing.T) {
	t.Parallel() // all runs wait most of their time, for the leases of the killed
	for store, place := range stores {
		for name, options := range map[string][]oidctest.Option{"rotating": nil, "not rotating": {oidctest.WithoutRotation()}} {
			t.Run(store+", "+name, func(t *testing.T) {
				t.Parallel()
				url, _ := place(t)
				r := newRun(newFleet(t, url, options...))
				r.refreshes()
				r.verdict(t, len(options) > 0)
			})
		}
	}
}

// inCI tells that the environment variable CI is true: then a run is as large as it was measured, and else smaller.
var inCI = os.Getenv("CI") == "true"

// newRun is 1,000 refreshes of 50 sessions in CI, 200 of 20 elsewhere.
func newRun(f *fleet) *run {
	r := &run{fleet: f, sessions: 20, rounds: 10, kills: 2}
	if inCI {
		r.sessions, r.rounds, r.kills = 50, 20, 3
	}
	r.busy, r.excused = make([]atomic.Pointer[instance], r.sessions), make([]atomic.Bool, r.sessions)
	return r
}

// run is sessions that refresh while instances are killed.
type run struct {
	fleet    *fleet
	sessions int
	rounds   int // refreshes of each session
	kills    int

	mu      sync.RWMutex // guards the fleet's instances
	done    atomic.Int64
	seen    atomic.Int64               // refreshes that a client got an answer to
	busy    []atomic.Pointer[instance] // which instance works on it
	excused []atomic.Bool              // its request was on an instance that was killed, or the provider's answer came too late
	lost    atomic.Int64
	strays  atomic.Int64 // lost without an excuse
}

// any is an instance that is alive.
func (r *run) any() *instance {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.fleet.instances[rand.IntN(len(r.fleet.instances))]
}

// pick is an instance for the next request of a session. It is noted in the same step: a kill sees all that were chosen
// before it.
func (r *run) pick(session int) *instance {
	r.mu.RLock()
	defer r.mu.RUnlock()
	chosen := r.fleet.instances[rand.IntN(len(r.fleet.instances))]
	r.busy[session].Store(chosen)
	return chosen
}

func (r *run) refreshes() {
	tokens := make([]core.Token, r.sessions)
	for i := range tokens {
		tokens[i] = r.any().login("alice")
	}
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() { r.session(i, tokens[i].RefreshToken) })
	}
	for n := range r.kills {
		for r.done.Load() < int64((n+1)*r.sessions*r.rounds/(r.kills+1)) && r.lost.Load() < int64(r.sessions) {
			time.Sleep(5 * time.Millisecond)
		}
		r.kill(n % 3)
	}
	wg.Wait()
}

// session refreshes again and again, as a client does: what fails is tried again with the same token.
func (r *run) session(i int, token string) {
	for n := 0; n < r.rounds; {
		begin := time.Now()
		status, next := r.pick(i).refresh(token)
		r.busy[i].Store(nil)
		switch status {
		case http.StatusOK:
			token = next.RefreshToken
			n++
			r.done.Add(1)
			r.seen.Add(1)
		case http.StatusUnauthorized:
			if !r.excused[i].Load() {
				r.strays.Add(1)
			}
			r.lost.Add(1)
			r.done.Add(int64(r.rounds - n))
			return
		default: // a killed instance, a lease of one, or a provider that a busy machine kept from answering in time
			if time.Since(begin) >= callTimeout {
				r.excused[i].Store(true)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func (r *run) kill(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	victim := r.fleet.instances[n]
	for i := range r.busy {
		if r.busy[i].Load() == victim {
			r.excused[i].Store(true)
		}
	}
	victim.kill()
	r.fleet.instances[n] = r.fleet.start()
}

func (r *run) verdict(t *testing.T, keepsTokens bool) {
	t.Helper()
	excused := 0
	for i := range r.excused {
		if r.excused[i].Load() {
			excused++
		}
	}
	lost, unseen := r.lost.Load(), int64(r.fleet.idp.Hits(oidctest.Token)-r.sessions)-r.seen.Load()
	t.Logf("%d refreshes, %d kills, %d requests under way at them, %d sessions lost, %d requests to the provider without an answer to a client",
		r.sessions*r.rounds, r.kills, excused, lost, unseen)
	if r.strays.Load() > 0 || keepsTokens && lost > 0 {
		t.Errorf("%d sessions lost, %d of them without a reason", lost, r.strays.Load())
	}
	// A session may be lost when the provider has spent its token for an answer that nobody saw. The next try with that
	// token is refused: two requests for each. What was spent twice, or ended for another reason, has fewer.
	if unseen < 2*lost {
		t.Errorf("%d sessions lost, %d requests to the provider explain them, want %d at least", lost, unseen, 2*lost)
	}
}

// A service that is asked to stop lets a running refresh finish.
func TestEndingInstances(t *testing.T) {
	onStores(t, func(t *testing.T, url, _ string) {
		f := newFleet(t, url)
		token := f.instances[0].login("alice")
		f.idp.Fault(oidctest.Token, oidctest.Late(callTimeout/2))
		before := f.idp.Hits(oidctest.Token)
		type answer struct {
			status int
			token  core.Token
		}
		answers := make(chan answer, 1)
		go func() {
			status, next := f.instances[0].refresh(token.RefreshToken)
			answers <- answer{status, next}
		}()
		eventually(t, 5*time.Second, "the provider is asked", func() bool { return f.idp.Hits(oidctest.Token) > before })
		if err := f.instances[0].terminate(); err != nil {
			t.Error(err)
		}
		f.idp.Heal(oidctest.Token)
		got := <-answers
		if got.status != http.StatusOK {
			t.Fatalf("the refresh under way: %d", got.status)
		}
		if status, _ := f.instances[1].refresh(got.token.RefreshToken); status != http.StatusOK {
			t.Errorf("the next one, elsewhere: %d", status)
		}
	})
}

// During an outage of the store, issued tokens are still verified, and refreshes get 503 and may be retried. Soon after the outage
// everything works again.
func TestStoreOutage(t *testing.T) {
	onStores(t, func(t *testing.T, url, address string) {
		p := tcpproxy.New(t, address)
		f := newFleet(t, strings.Replace(url, address, p.Address(), 1))
		a := f.instances[0]
		token := a.login("alice")
		if status, _, _ := a.get("/me", token.AccessToken); status != http.StatusOK {
			t.Fatalf("/me: %d", status)
		}
		p.Become(tcpproxy.Refuses)
		for range 5 {
			begin := time.Now()
			if status, _ := a.refresh(token.RefreshToken); status != http.StatusServiceUnavailable {
				t.Errorf("refresh without the store: %d", status)
			}
			if took := time.Since(begin); took > callTimeout+3*time.Second {
				t.Errorf("it took %s", took)
			}
			if status, _, _ := a.get("/me", token.AccessToken); status != http.StatusOK {
				t.Errorf("/me without the store: %d", status)
			}
		}
		p.Become(tcpproxy.Passes)
		begin := time.Now()
		eventually(t, 5*time.Second, "refresh works again", func() bool { status, _ := a.refresh(token.RefreshToken); return status == http.StatusOK })
		t.Logf("back after %s", time.Since(begin).Round(time.Millisecond))
	})
}
