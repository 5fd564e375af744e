package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/httpauth"
	"golang.org/x/oauth2"
)

// TestTool logs in both ways, calls the API, refreshes and logs out, with the provider's tokens and with own ones.
func TestTool(t *testing.T) {
	for mode, broker := range map[string]*core.BrokerConfig{"bearer only": nil, "broker": {}} {
		for _, way := range []string{"login", "login -device"} {
			t.Run(mode+", "+way, func(t *testing.T) {
				s := newShop(t, broker)
				s.person(s.approves)
				s.runs(way)
				s.says("get /me", "alice")

				token := s.token()
				token.Expiry = time.Now().Add(-time.Minute)
				s.saves(token)
				s.says("get /me", "alice")
				if fresh := s.token(); fresh.AccessToken == token.AccessToken || fresh.RefreshToken == token.RefreshToken || !fresh.Valid() {
					t.Error("the new token was not kept")
				}
				s.runs("logout")
				s.fails("get /me", "run shop login")
			})
		}
	}
}

func TestEndedLogin(t *testing.T) {
	s := newShop(t, nil)
	s.person(s.approves)
	s.runs("login")
	token := s.token()
	token.Expiry = time.Now().Add(-time.Minute)
	s.saves(token)

	s.idp.Fault(oidctest.Token, oidctest.Refused())
	if err := s.tool.run(t.Context(), []string{"get", "/me"}); err == nil || strings.Contains(err.Error(), "shop login") {
		t.Errorf("while the provider is down: %v", err)
	}
	s.idp.Heal()
	s.says("get /me", "alice") // nothing was lost

	token = s.token()
	token.Expiry = time.Now().Add(-time.Minute)
	s.saves(token)
	if err := s.idp.EndSessions(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	s.fails("get /me", "your login has ended")
}

func TestRefusedLogin(t *testing.T) {
	s := newShop(t, nil)
	s.person(func(address string) error { return s.browse(s.idp.Deny, address) })
	s.fails("login", "refused")
	s.fails("get /me", "not logged in")
}

// Another page of the browser sends a code of the attacker.
func TestForeignCallback(t *testing.T) {
	s := newShop(t, nil)
	s.person(func(address string) error {
		at, _ := url.Parse(address)
		answer, err := http.Get(at.Query().Get("redirect_uri") + "?code=theirs&state=theirs")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a foreign callback: %s", answer.Status)
		}
		return s.approves(address)
	})
	s.runs("login")
	s.says("get /me", "alice")
}

func TestFileIsPrivate(t *testing.T) {
	s := newShop(t, nil)
	s.person(s.approves)
	s.runs("login")
	info, err := os.Stat(s.tool.file)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	s.fails("sell", "usage")
}

// shop is the tool, its API, and the provider.
type shop struct {
	*testing.T
	idp  *oidctest.Provider
	tool *tool
	out  *output
}

func newShop(t *testing.T, broker *core.BrokerConfig) *shop {
	t.Helper()
	idp := oidctest.NewProvider(t, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second}))
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	cfg := idp.Config()
	cfg.PublicURL, cfg.Broker, cfg.Store = server.URL, broker, store.NewMemory()
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	if err := auth.Mount(mux, core.Paths{}); err != nil {
		t.Fatal(err)
	}
	mux.Handle("GET /me", auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
		_, _ = w.Write([]byte(caller.Username()))
	}))
	out := &output{}
	return &shop{t, idp, &tool{service: server.URL, file: filepath.Join(t.TempDir(), "shop", "token.json"), out: out}, out}
}

// person sets what happens when an address is shown, and lets alice type the code of a device.
func (s *shop) person(opens func(address string) error) {
	s.tool.open = opens
	s.out.shown = func(text string) {
		if code := regexp.MustCompile(`code (\S+)\.`).FindStringSubmatch(text); code != nil {
			if err := s.idp.ApproveDevice(code[1], "alice"); err != nil {
				s.Error(err)
			}
		}
	}
}

func (s *shop) approves(address string) error {
	return s.browse(func(address string) (*url.URL, error) { return s.idp.Approve(address, "alice") }, address)
}

// browse follows the login route to the provider and the provider's answer to the tool.
func (s *shop) browse(answer func(address string) (*url.URL, error), address string) error {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	login, err := browser.Get(address)
	if err != nil {
		return err
	}
	_ = login.Body.Close()
	back, err := answer(login.Header.Get("Location"))
	if err != nil {
		s.Error(err)
		return err
	}
	page, err := browser.Get(back.String())
	if err != nil {
		return err
	}
	return page.Body.Close()
}

func (s *shop) runs(command string) {
	s.Helper()
	if err := s.tool.run(s.Context(), strings.Fields(command)); err != nil {
		s.Fatalf("shop %s: %v", command, err)
	}
}

func (s *shop) says(command, want string) {
	s.Helper()
	s.out.Reset()
	s.runs(command)
	if got := s.out.String(); got != want {
		s.Errorf("shop %s says %q, want %q", command, got, want)
	}
}

func (s *shop) fails(command, want string) {
	s.Helper()
	if err := s.tool.run(s.Context(), strings.Fields(command)); err == nil || !strings.Contains(err.Error(), want) {
		s.Errorf("shop %s: %v, want %q", command, err, want)
	}
}

// output is what the tool prints.
type output struct {
	mu sync.Mutex
	bytes.Buffer
	shown func(text string)
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shown != nil {
		o.shown(string(text))
	}
	return o.Buffer.Write(text)
}

func (s *shop) token() *oauth2.Token {
	s.Helper()
	token, err := s.tool.load()
	if err != nil {
		s.Fatal(err)
	}
	return token
}

func (s *shop) saves(token *oauth2.Token) {
	s.Helper()
	if err := s.tool.save(token); err != nil {
		s.Fatal(err)
	}
}
