package core_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// saying is what the provider says of alice's roles in one exchange; "-" is a document that does not come.
type saying struct {
	id, access, userInfo string
	userInfoFault        *oidctest.Fault
}

// says makes the provider of a bubble say it from now on.
func (b *brokerBubble) says(s saying) {
	role := func(text string) func(claims) {
		return func(token claims) {
			if token["roles"] = nil; text != "" {
				token["roles"] = []string{text}
			}
		}
	}
	b.Tamper(oidctest.IDTokens, func(token claims) {
		role(s.id)(token)
		token["at_hash"] = nil
	})
	b.Tamper(oidctest.AccessTokens, role(s.access))
	b.set(func() {
		b.extra, b.idToken = claims{}, nil
		if s.id == "-" {
			b.idToken = func() string { return "" }
		}
		if s.access == "-" {
			b.extra["access_token"] = "an opaque access token"
		}
	})
	b.change(func() {
		if b.metadata = nil; s.userInfo == "-" {
			b.metadata = claims{"userinfo_endpoint": ""}
		}
	})
	b.Fault(oidctest.UserInfo, oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
		answer := claims{"sub": "alice", "preferred_username": "alice"}
		role(s.userInfo)(answer)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, toJSON(answer))
	}))
	if s.userInfoFault != nil {
		b.Fault(oidctest.UserInfo, *s.userInfoFault)
	}
}

// An own token has the roles that the provider names in the exchange that it was made in: what it does not say any more
// is gone. What it said before counts while its source is out of reach, for a day, or where nobody was asked.
func TestBrokerRolesOfThisExchange(t *testing.T) {
	faulty := func(fault oidctest.Fault) *oidctest.Fault { return &fault }
	down, page := faulty(oidctest.Refused()), faulty(oidctest.HTML(200))
	forbidden, unauthorized := faulty(oidctest.ErrorCode(403, "insufficient_scope")), faulty(oidctest.ErrorCode(401, "invalid_token"))
	another := faulty(oidctest.Reply(200, "application/json", `{"sub":"root","roles":["root"]}`))
	for name, c := range map[string]struct {
		login, then saying
		after       time.Duration
		roles       string
	}{
		"demoted, all documents come":                  {saying{id: "a", access: "a", userInfo: "a"}, saying{}, time.Hour, ""},
		"demoted, no ID token":                         {saying{id: "a", access: "a", userInfo: "a"}, saying{id: "-"}, time.Hour, ""},
		"demoted, no ID token, an opaque access token": {saying{id: "a", access: "-", userInfo: "a"}, saying{id: "-", access: "-"}, time.Hour, ""},
		"demoted, no ID token, no userinfo endpoint":   {saying{id: "a", access: "a", userInfo: "-"}, saying{id: "-", userInfo: "-"}, time.Hour, ""},
		"demoted, an ID token alone":                   {saying{id: "a", access: "-", userInfo: "-"}, saying{access: "-", userInfo: "-"}, time.Hour, ""},
		"promoted":                                     {saying{}, saying{id: "-", userInfo: "b"}, time.Hour, "b"},
		"of another document":                          {saying{id: "a"}, saying{id: "-", access: "b", userInfo: "c"}, time.Hour, "b c"},
		"userinfo refuses":                             {saying{userInfo: "a"}, saying{id: "b", userInfoFault: forbidden}, time.Hour, "b"},
		"userinfo refuses with 401":                    {saying{userInfo: "a"}, saying{userInfoFault: unauthorized}, time.Hour, ""},
		"userinfo refuses, nothing else comes":         {saying{id: "a", access: "-", userInfo: "a"}, saying{id: "-", access: "-", userInfoFault: forbidden}, time.Hour, ""},
		"userinfo of another person":                   {saying{userInfo: "a"}, saying{userInfoFault: another}, time.Hour, ""},
		"userinfo is down for 23 h":                    {saying{id: "b", userInfo: "a"}, saying{userInfoFault: down}, 23 * time.Hour, "a"},
		"userinfo is down for 25 h":                    {saying{id: "b", userInfo: "a"}, saying{userInfoFault: down}, 25 * time.Hour, ""},
		"userinfo is a page for 23 h":                  {saying{userInfo: "a"}, saying{userInfoFault: page}, 23 * time.Hour, "a"},
		"down since the login, nothing else comes":     {saying{id: "a", access: "-", userInfoFault: down}, saying{id: "-", access: "-", userInfoFault: down}, 23 * time.Hour, "a"},
		"the same for 25 h":                            {saying{id: "a", access: "-", userInfoFault: down}, saying{id: "-", access: "-", userInfoFault: down}, 25 * time.Hour, ""},
		"nobody is asked":                              {saying{id: "a", access: "-", userInfo: "-"}, saying{id: "-", access: "-", userInfo: "-"}, 26 * time.Hour, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				b.says(c.login)
				f := b.serve()
				token := f.begun()
				b.says(c.then)
				for range 2 {
					if err := f.auth.Close(); err != nil { // else the store is read every 2 s of the time that passes
						t.Fatal(err)
					}
					time.Sleep(c.after / 2)
					f = b.serve()
					token = flowGranted(t, f.refresh(token.RefreshToken))
				}
				if got := rolesOf(t, token); got != c.roles {
					t.Errorf("the roles are %q, not %q", got, c.roles)
				}
			})
		})
	}
}

func rolesOf(t testing.TB, token core.Token) string {
	t.Helper()
	_, payload := unpack(t, token.AccessToken)
	text, err := json.Marshal(payload["roles"])
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	if err := json.Unmarshal(text, &roles); err != nil {
		t.Fatal(err)
	}
	slices.Sort(roles)
	return strings.Join(roles, " ")
}

// Config.Require judges the roles of this exchange: who has been demoted gets nothing, and gets in again later.
func TestBrokerRequireOfThisExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		b.says(saying{id: "admin", userInfo: "admin"})
		f := b.serve(func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} })
		token := f.begun()
		b.says(saying{id: "-"})
		if answer := f.refresh(token.RefreshToken); answer.Status != http.StatusForbidden {
			t.Errorf("without the role: %d %s", answer.Status, answer.Body)
		}
		refused := oidctest.ErrorCode(403, "insufficient_scope")
		b.says(saying{id: "-", userInfoFault: &refused})
		if answer := f.refresh(token.RefreshToken); answer.Status != http.StatusForbidden {
			t.Errorf("userinfo refuses: %d %s", answer.Status, answer.Body)
		}
		b.says(saying{userInfo: "admin"})
		flowGranted(t, f.refresh(token.RefreshToken))
	})
}
