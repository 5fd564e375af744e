package core_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func linesWith(text, level, words string) (n int) {
	for _, line := range logLines(text, level) {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

// What logins and logouts go on without is told of once when it begins to fail and once when it works again, not for each
// of them; what fails for one and works for the next is no news.
func TestWhatIsLeftOutIsLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		words string
		level slog.Level
		fails func(b *brokerBubble, does bool)
	}{
		"revocation": {"revoked at the provider", slog.LevelWarn, func(b *brokerBubble, does bool) { failsAt(b, revocationPath, does) }},
		"userinfo":   {"userinfo", slog.LevelWarn, func(b *brokerBubble, does bool) { failsAt(b, userInfoPath, does) }},
		"store": {"sessions", slog.LevelError, func(b *brokerBubble, does bool) {
			b.store.breaks(nil)
			if does {
				b.store.breaks(failing("Revoke"))
			}
		}},
		"a huge userinfo": {"userinfo", slog.LevelWarn, func(b *brokerBubble, does bool) {
			answer := `{"sub":"alice"}`
			if does {
				answer = `{"sub":"alice","x":"` + strings.Repeat("x", 40<<10) + `"}`
			}
			b.breaks(says(200, "application/json", answer), userInfoPath)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				b.breaks(says(200, "application/json", `{"sub":"alice"}`), userInfoPath)
				f := b.serve()
				inAndOut := func(times int) {
					for range times {
						f.leave(f.begun().AccessToken)
						time.Sleep(100 * time.Millisecond)
					}
				}
				told := func(when string, begins, ends int) {
					t.Helper()
					logs := f.traffic.logs.String()
					if got, over := linesWith(logs, c.level.String(), c.words), linesWith(logs, "INFO", c.words); got != begins || over != ends {
						t.Errorf("%s: %d lines say that it fails and %d that it works, want %d and %d:\n%s", when, got, over, begins, ends, logs)
					}
				}
				inAndOut(1)
				told("at first", 0, 0)
				c.fails(b, true)
				inAndOut(50)
				told("while it fails", 1, 0)
				for i := range 50 {
					c.fails(b, i%2 == 0)
					inAndOut(1)
				}
				told("now and then", 1, 0)
				c.fails(b, false)
				inAndOut(1)
				time.Sleep(time.Minute)
				inAndOut(50)
				told("afterwards", 1, 1)
				c.fails(b, true)
				inAndOut(50)
				told("again", 2, 1)
			})
		})
	}
}

func failsAt(b *brokerBubble, path string, does bool) {
	answer := says(200, "application/json", `{"sub":"alice"}`)
	if does {
		answer = faults["503"]
	}
	b.breaks(answer, path)
}

// A provider without a logout of its own is told of once, and so is one that has got it; one whose discovery document is
// not at hand has its line already.
func TestLogoutWithoutTheProviderIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		b.breaks(faults["503"], discoveryPath)
		f := b.serve()
		logouts := func() {
			for range 50 {
				f.leave("")
			}
		}
		logouts()
		if lines := logLines(f.traffic.logs.String(), "WARN"); len(lines) != 1 || !strings.Contains(lines[0], "discovery document") {
			t.Errorf("without discovery: %q", lines)
		}
		b.breaks(nil, discoveryPath)
		time.Sleep(coolDown)
		logouts()
		if n := linesWith(f.traffic.logs.String(), "WARN", "end_session_endpoint"); n != 1 {
			t.Errorf("without an endpoint: %d lines", n)
		}
		b.change(func() { b.metadata["end_session_endpoint"] = "https://idp.example/realm/logout" })
		time.Sleep(2 * time.Hour)
		logouts()
		if n := linesWith(f.traffic.logs.String(), "INFO", "the provider's logout"); n != 1 {
			t.Errorf("with one: %d lines", n)
		}
	})
}
