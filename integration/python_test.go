package integration

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/pyclient"
)

// pythonSite is a service in broker mode at which the client logs in; what its device route answers is seen.
type pythonSite struct {
	idp    *oidctest.Provider
	client *pyclient.Client

	mu    sync.Mutex
	polls []time.Time
	user  func(code string) // answers a device login
}

func newPythonSite(t *testing.T) *pythonSite {
	t.Helper()
	s := &pythonSite{idp: oidctest.NewProvider(t, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second}))}
	config := s.idp.Config()
	config.Broker, config.Store = &core.BrokerConfig{}, store.NewMemory()
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	routes, err := auth.Routes(core.Paths{Prefix: "/api"})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, s.watch(route))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.client = pyclient.New(t, server.URL+"/api", func(testing.TB, string) {}) // the user answers elsewhere
	return s
}

// watch lets the user answer as soon as a device login begins, and notes when the client polls.
func (s *pythonSite) watch(route core.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route.Name == "token" {
			s.mu.Lock()
			s.polls = append(s.polls, time.Now())
			s.mu.Unlock()
		}
		answer := httptest.NewRecorder()
		route.ServeHTTP(answer, r)
		var start core.DeviceStart
		if route.Name == "device" && json.Unmarshal(answer.Body.Bytes(), &start) == nil {
			s.mu.Lock()
			user := s.user
			s.mu.Unlock()
			user(start.UserCode)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// answers says what the user does from now on, and forgets the polls.
func (s *pythonSite) answers(user func(code string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.polls = user, nil
}

// polled is when the client has polled.
func (s *pythonSite) polled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}

// The unmodified client logs in with the device flow, uses its cached token, refreshes it, and handles a denial and slow_down.
func TestPythonClient(t *testing.T) {
	t.Parallel() // it waits: between its polls, and for seconds after a slow_down
	s := newPythonSite(t)
	approve := func(code string) {
		if err := s.idp.ApproveDevice(code, "alice"); err != nil {
			t.Error(err)
		}
	}
	t.Run("denial", func(t *testing.T) {
		s.answers(func(code string) {
			if err := s.idp.DenyDevice(code); err != nil {
				t.Error(err)
			}
		})
		if got := s.client.Authenticate(t, pyclient.Options{}); !strings.Contains(got.Error, "access_denied") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("slow_down", func(t *testing.T) {
		s.answers(approve)
		s.idp.Fault(oidctest.Token, oidctest.Times(2, oidctest.ErrorCode(http.StatusBadRequest, "slow_down")))
		got, polls := s.client.Authenticate(t, pyclient.Options{}), s.polled()
		if got.Token == nil || len(polls) != 3 || polls[2].Sub(polls[1]) < 5*time.Second { // it slows down from the second pause on
			t.Errorf("got %+v, polls %v", got, polls)
		}
	})
	t.Run("refresh", func(t *testing.T) {
		s.answers(func(string) { t.Error("a login though there is a refresh token") })
		before := s.client.Authenticate(t, pyclient.Options{})
		if before.Token == nil {
			t.Fatalf("got %+v", before)
		}
		after := s.client.Authenticate(t, pyclient.Options{Stale: true})
		if after.Token == nil || after.Token.AccessToken == before.Token.AccessToken || after.Token.RefreshToken == before.Token.RefreshToken {
			t.Errorf("got %+v", after)
		}
	})
}
