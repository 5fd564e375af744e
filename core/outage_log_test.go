package core_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// lines are those of a log at a level, less what a start says of the configuration.
func logLines(text, level string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "level="+level) {
			lines = append(lines, line)
		}
	}
	return lines
}

// One line says that a part is out of reach and one that it is back, however many requests are refused in between; what fails
// only because another part does has no line of its own.
func TestOutageIsLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		paths []string
		warm  bool
		says  string
	}{
		"discovery, cold":  {[]string{discoveryPath}, false, "discovery document"},
		"keys, cold":       {[]string{keysPath}, false, "key set"},
		"everything, cold": {[]string{discoveryPath, keysPath}, false, "discovery document"},
		"keys, warm":       {[]string{keysPath}, true, "key set"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := newIDP(t)
				guard := idp.auth().Required()
				token := idp.token()
				if c.warm {
					mustAdmit(t, guard, token)
					token = idp.tokenOf("stranger")
				}
				idp.breaks(faults["503"], c.paths...)
				for range 1000 {
					wantStatus(t, guard, token, http.StatusServiceUnavailable)
					time.Sleep(100 * time.Millisecond)
				}
				if lines := logLines(idp.logs.String(), "WARN"); len(lines) != 1 || !strings.Contains(lines[0], c.says) {
					t.Errorf("1000 refused requests: %q", lines)
				}
				idp.breaks(nil, c.paths...)
				time.Sleep(coolDown)
				mustAdmit(t, guard, idp.token())
				time.Sleep(15 * time.Minute)
				if lines := logLines(idp.logs.String(), "INFO"); len(lines) != 1 || !strings.Contains(lines[0], c.says) {
					t.Errorf("afterwards: %q", lines)
				}
			})
		})
	}
}

// In broker mode a store that is down is told of once for each of the two things that are read from it, a trusted service once.
func TestBrokerOutageIsLoggedOnce(t *testing.T) {
	for part, c := range map[string]struct{ caller, answer, word, other string }{
		"store":        {"guard", "503/2", "the signing keys", "the revocations"},
		"trusted keys": {"trusted", "503/10", "trusted issuer", "trusted issuer"},
	} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newOutageNet(t)
				ready := n.serve(true).prepare()
				n.fails(part, refuse)
				s := n.serve(true)
				s.prepared = ready
				for range 1000 {
					if got := s.ask(c.caller); got != c.answer {
						t.Fatalf("got %s", got)
					}
					_ = s.auth.Ready(t.Context())
					time.Sleep(100 * time.Millisecond)
				}
				for _, line := range logLines(s.traffic.logs.String(), "WARN") {
					if !strings.Contains(line, c.word) && !strings.Contains(line, c.other) {
						t.Errorf("%s", line)
					}
				}
				for _, word := range []string{c.word, c.other} {
					if got := strings.Count(s.traffic.logs.String(), word); got != 1 {
						t.Errorf("%d lines with %q:\n%s", got, word, s.traffic.logs.String())
					}
				}
				n.fails(part, nil)
				time.Sleep(coolDown)
				if got := s.ask(c.caller); got != "200" {
					t.Errorf("afterwards: %s", got)
				}
				if part == "store" && s.auth.Ready(t.Context()) != nil {
					t.Error("not ready again")
				}
				for _, word := range []string{c.word, c.other} {
					if got := strings.Count(s.traffic.logs.String(), word); got != 2 {
						t.Errorf("%d lines with %q:\n%s", got, word, s.traffic.logs.String())
					}
				}
			})
		})
	}
}

// Ready names each part that is missing, and those alone.
func TestReadyNamesEachPart(t *testing.T) {
	for part, want := range map[string]string{"discovery": "discovery document|keys", "keys": "keys", "token": "", "provider": "discovery document|keys"} {
		synctest.Test(t, func(t *testing.T) {
			n := newOutageNet(t)
			n.fails(part, refuse)
			wantParts(t, part, n.serve(false).auth, want, "signing keys|revocations")
		})
	}
	for part, want := range map[string]string{"store": "signing keys|revocations", "provider": "", "trusted keys": ""} {
		synctest.Test(t, func(t *testing.T) {
			n := newOutageNet(t)
			n.fails(part, refuse)
			wantParts(t, part, n.serve(true).auth, want, "discovery|provider's keys")
		})
	}
}

func wantParts(t *testing.T, down string, auth *core.Auth, want, never string) {
	t.Helper()
	err := auth.Ready(t.Context())
	if want == "" {
		if err != nil {
			t.Errorf("%s is down: %v", down, err)
		}
		return
	}
	if err == nil {
		t.Errorf("%s is down, and it is ready", down)
		return
	}
	lines := strings.Split(err.Error(), "\n")
	words := strings.Split(want, "|")
	if len(lines) != len(words) {
		t.Errorf("%s is down: %q", down, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s is down: %q does not name %s", down, err, word)
		}
	}
	for word := range strings.SplitSeq(never, "|") {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%s is down: %q names %s", down, err, word)
		}
	}
}
