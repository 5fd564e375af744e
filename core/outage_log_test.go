package core_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// lines returns the lines of a log at a level, without those about the configuration.
func logLines(text, level string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "level="+level) {
			lines = append(lines, line)
		}
	}
	return lines
}

// One line says that a part is unreachable and one that it works again, however many requests fail in between. A failure that only
// follows from another one is not logged.
func TestOutageIsLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		endpoints []oidctest.Endpoint
		warm      bool
		says      string
	}{
		"discovery, cold":  {[]oidctest.Endpoint{oidctest.Discovery}, false, "discovery document"},
		"keys, cold":       {[]oidctest.Endpoint{oidctest.JWKS}, false, "key set"},
		"everything, cold": {[]oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS}, false, "discovery document"},
		"keys, warm":       {[]oidctest.Endpoint{oidctest.JWKS}, true, "key set"},
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
				idp.breaks(faults["503"], c.endpoints...)
				for range 1000 {
					wantStatus(t, guard, token, http.StatusServiceUnavailable)
					time.Sleep(100 * time.Millisecond)
				}
				if lines := logLines(idp.logs.String(), "WARN"); len(lines) != 1 || !strings.Contains(lines[0], c.says) {
					t.Errorf("1000 refused requests: %q", lines)
				}
				idp.Heal(c.endpoints...)
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

// In broker mode an outage of the store is logged once for the signing keys and once for the revocations, one of a trusted service
// once.
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
				n.heals(part)
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

// Ready names exactly the missing parts.
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

func linesWith(text, level, words string) (n int) {
	for _, line := range logLines(text, level) {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

// An optional step of logins and logouts is logged once when it starts to fail and once when it recovers. A step that fails for one
// user and works for the next is not logged each time.
func TestWhatIsLeftOutIsLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		words string
		level slog.Level
		fails func(b *brokerBubble, does bool)
	}{
		"revocation": {"revoked at the provider", slog.LevelWarn, func(b *brokerBubble, does bool) { failsAt(b, oidctest.Revocation, does) }},
		"userinfo":   {"userinfo", slog.LevelWarn, func(b *brokerBubble, does bool) { failsAt(b, oidctest.UserInfo, does) }},
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
			b.breaks(says(200, "application/json", answer), oidctest.UserInfo)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				b.breaks(says(200, "application/json", `{"sub":"alice"}`), oidctest.UserInfo)
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
				inAndOut(20)
				told("while it fails", 1, 0)
				for i := range 20 {
					c.fails(b, i%2 == 0)
					inAndOut(1)
				}
				told("now and then", 1, 0)
				c.fails(b, false)
				inAndOut(1)
				time.Sleep(time.Minute)
				inAndOut(20)
				told("afterwards", 1, 1)
				c.fails(b, true)
				inAndOut(20)
				told("again", 2, 1)
			})
		})
	}
}

func failsAt(b *brokerBubble, endpoint oidctest.Endpoint, does bool) {
	answer := says(200, "application/json", `{"sub":"alice"}`)
	if does {
		answer = faults["503"]
	}
	b.Fault(endpoint, answer)
}

// A provider without an end-session endpoint is logged once, and so is one that adds it. A missing discovery document is logged
// elsewhere.
func TestLogoutWithoutTheProviderIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		b.breaks(faults["503"], oidctest.Discovery)
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
		b.Heal(oidctest.Discovery)
		time.Sleep(coolDown)
		logouts()
		if n := linesWith(f.traffic.logs.String(), "WARN", "end_session_endpoint"); n != 1 {
			t.Errorf("without an endpoint: %d lines", n)
		}
		b.change(func() { b.metadata = claims{"end_session_endpoint": "https://idp.example/realm/logout"} })
		time.Sleep(2 * time.Hour)
		logouts()
		if n := linesWith(f.traffic.logs.String(), "INFO", "the provider's logout"); n != 1 {
			t.Errorf("with one: %d lines", n)
		}
	})
}

// The line for a document that cannot be fetched, or is wrong, says what to correct.
func TestDocumentsSayWhatToCorrect(t *testing.T) {
	for name, c := range map[string]struct {
		fault    oidctest.Fault
		metadata claims
		at       oidctest.Endpoint
		want     []string
	}{
		"404":            {fault: oidctest.HTML(404), at: oidctest.Discovery, want: []string{"reason=status", "status=404", "host=idp.example", "Config.DiscoveryURL"}},
		"503":            {fault: oidctest.Status(503), at: oidctest.Discovery, want: []string{"reason=status", "status=503", "host=idp.example"}},
		"HTML":           {fault: oidctest.HTML(200), at: oidctest.Discovery, want: []string{"reason=html", "status=200", "host=idp.example"}},
		"redirect":       {fault: oidctest.Redirect(302), at: oidctest.JWKS, want: []string{"reason=redirect", "status=302", "host=idp.example"}},
		"too large":      {fault: oidctest.Oversized(), at: oidctest.JWKS, want: []string{"reason=too_large"}},
		"hangs":          {fault: hang, at: oidctest.Discovery, want: []string{"reason=timeout", "host=idp.example"}},
		"another issuer": {metadata: claims{"issuer": "https://other.example/realm"}, want: []string{"found_issuer=https://other.example/realm", "want_issuer=" + issuer, "Config.DiscoveryURL, Config.Issuer"}},
		"a long issuer":  {metadata: claims{"issuer": "https://" + strings.Repeat("a", 300)}, want: []string{`found_issuer="(not printable)"`}},
		"an odd issuer":  {metadata: claims{"issuer": "https://\u202e" + poison}, want: []string{`found_issuer="(not printable)"`}},
		"http":           {metadata: claims{"token_endpoint": "http://idp.example/" + poison}, want: []string{"member=token_endpoint", "Config.DiscoveryURL"}},
		"no keys":        {metadata: claims{"jwks_uri": nil}, want: []string{"jwks_uri", "Config.JWKSURL"}},
		"not text":       {metadata: claims{"jwks_uri": 1}, want: []string{"reason=malformed", "host=idp.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := newIDP(t)
				if idp.metadata = c.metadata; c.metadata == nil {
					idp.breaks(c.fault, c.at)
				}
				guard := idp.auth().Required()
				for range 20 {
					wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
					time.Sleep(time.Second)
				}
				lines := logLines(idp.logs.String(), "WARN")
				if len(lines) != 1 {
					t.Fatalf("%q", lines)
				}
				for _, want := range c.want {
					if !strings.Contains(lines[0], want) {
						t.Errorf("%q does not say %s", lines[0], want)
					}
				}
			})
		})
	}
}

// A provider that refuses this service is logged once, with its error code and the fields to check. A code that is not
// registered is text of the provider and not logged.
func TestRefusalOfThisServiceIsLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		fault  oidctest.Fault
		status int
		level  string
		want   []string
	}{
		"invalid_client":       {oidctest.ErrorCode(401, "invalid_client"), 502, "ERROR", []string{"code=invalid_client", "status=401", "host=idp.test", "Config.ClientID, Config.ClientSecret"}},
		"unauthorized_client":  {oidctest.ErrorCode(400, "unauthorized_client"), 502, "ERROR", []string{"code=unauthorized_client", "Config.ClientID"}},
		"invalid_redirect_uri": {oidctest.ErrorCode(400, "invalid_redirect_uri"), 502, "ERROR", []string{"code=invalid_redirect_uri", "Config.PublicURL, Config.RedirectURIs"}},
		"another code":         {oidctest.ErrorCode(400, "upstream-secret"), 502, "ERROR", []string{`code=""`, "status=400"}},
		"no code":              {oidctest.HTML(404), 502, "ERROR", []string{`code=""`, "status=404"}},
		"invalid_scope":        {oidctest.ErrorCode(400, "invalid_scope"), 400, "WARN", []string{"code=invalid_scope", "Config.Scopes"}},
		"not_allowed":          {oidctest.ErrorCode(400, "not_allowed"), 400, "WARN", []string{"code=not_allowed", "Config.NoOfflineAccess"}},
		"down":                 {oidctest.Status(503), 503, "WARN", []string{"reason=status", "status=503", "host=idp.test"}},
		"nonsense":             {oidctest.HTML(200), 502, "WARN", []string{"reason=html", "host=idp.test"}},
		"a token alone":        {oidctest.Reply(200, "application/json", `{"token_type":"Bearer"}`), 502, "WARN", []string{"reason=malformed", "host=idp.test"}},
		"of one user":          {oidctest.ErrorCode(400, "invalid_grant"), 400, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := flowInMemory(t, &flowMemory{}, nil)
				granted := oidctest.Reply(200, "application/json", `{"access_token":"opaque-but-good","token_type":"Bearer","expires_in":300}`)
				lines := func() (kept []string) {
					for _, line := range append(logLines(f.traffic.logs.String(), "WARN"), logLines(f.traffic.logs.String(), "ERROR")...) {
						if !strings.Contains(line, "access tokens") {
							kept = append(kept, line)
						}
					}
					return kept
				}
				f.idp.Fault(oidctest.Token, c.fault)
				for range 20 {
					if answer := f.post("token", flowRefresh("a-refresh-token-of-somebody")); answer.Status != c.status {
						t.Fatalf("%d %s", answer.Status, answer.Body)
					}
				}
				got := lines()
				if c.level == "" {
					if len(got) != 0 {
						t.Errorf("%q", got)
					}
					return
				}
				if len(got) != 1 || !strings.Contains(got[0], "level="+c.level) {
					t.Fatalf("%q", got)
				}
				for _, want := range c.want {
					if !strings.Contains(got[0], want) {
						t.Errorf("%q does not say %s", got[0], want)
					}
				}
				f.idp.Fault(oidctest.Token, granted)
				time.Sleep(2 * time.Minute)
				for range 20 {
					f.post("token", flowRefresh("a-refresh-token-of-somebody"))
				}
				if n := linesWith(f.traffic.logs.String(), "INFO", "again"); n != 1 {
					t.Errorf("%d lines say that it works:\n%s", n, f.traffic.logs.String())
				}
			})
		})
	}
}

// A browser that returns with an error code about this service is logged in the same way.
func TestRefusalAtTheCallbackIsLoggedOnce(t *testing.T) {
	f := newFlow(t, nil)
	for _, code := range []string{"unauthorized_client", "access_denied", "upstream-secret"} {
		for range 3 {
			query, cookie := f.browser("alice")
			f.get("callback", url.Values{"state": query["state"], "error": {code}, "iss": query["iss"]}, cookie)
		}
	}
	lines := append(logLines(f.traffic.logs.String(), "ERROR"), logLines(f.traffic.logs.String(), "WARN")...)
	if len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "code=unauthorized_client") || !strings.Contains(lines[0], "Config.ClientID") {
		t.Errorf("%q", lines)
	}
}

// In passthrough mode, access tokens that guards cannot verify are logged once, with a hint; in broker mode they are not.
func TestOpaqueTokensAreLoggedOnce(t *testing.T) {
	const words = "the provider's access tokens"
	f := newFlow(t, nil, oidctest.WithOpaqueTokens())
	refresh := f.tokens("alice").RefreshToken
	for range 3 {
		f.tokens("alice")
		refresh = flowGranted(t, f.post("token", flowRefresh(refresh))).RefreshToken
	}
	lines := logLines(f.traffic.logs.String(), "WARN")
	if len(lines) != 1 || !strings.Contains(lines[0], words) || !strings.Contains(lines[0], "no signed JWTs") || !strings.Contains(lines[0], "Config.Broker") {
		t.Errorf("%q", lines)
	}
	f = newFlow(t, nil)
	f.tokens("alice")
	if logs := f.traffic.logs.String(); strings.Contains(logs, words) {
		t.Errorf("JWTs: %s", logs)
	}
	b := newFlow(t, brokered(), oidctest.WithOpaqueTokens())
	b.tokens("alice")
	if logs := b.traffic.logs.String(); strings.Contains(logs, words) {
		t.Errorf("in broker mode: %s", logs)
	}
}
