package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// keyOf returns the kid of a token.
func keyOf(s *site, raw string) string {
	s.t.Helper()
	token, err := jose.Parse(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	return token.KeyID
}

func (s *site) refresh(refresh string) *answer {
	s.t.Helper()
	return s.post(token, refreshForm(refresh))
}

func refreshForm(refresh string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
}

// alive and gone check that guards and the token route accept, or refuse, the tokens of a session.
func (s *site) alive(tokens core.Token) {
	s.t.Helper()
	s.get("/me", "Authorization: Bearer "+tokens.AccessToken).is(seen("alice", 2))
}

func (s *site) gone(tokens core.Token) {
	s.t.Helper()
	s.get("/me", "Authorization: Bearer "+tokens.AccessToken).is(badToken())
	s.get(userInfo, "Authorization: Bearer "+tokens.AccessToken).is(badToken())
	s.refresh(tokens.RefreshToken).is(s.bookGone)
}

// testSessions: a refresh token works once; the previous one gets the same answer within the grace period; an older one ends the
// session.
func testSessions(t *testing.T, a setup) {
	s := a.open(t, plan{})
	first := s.tokens(s.codeForm("alice"))
	second := s.tokens(refreshForm(first.RefreshToken))
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
		t.Error("nothing is new")
	}
	again := s.tokens(url.Values{"refresh-token": {first.RefreshToken}})
	if again.AccessToken != second.AccessToken || again.RefreshToken != second.RefreshToken || again.Expires != second.Expires {
		t.Errorf("the grace gave another answer: %d and %d", again.Expires, second.Expires)
	}
	s.alive(first)
	s.alive(second)
	other := a.open(t, plan{beside: s}) // an instance accepts refresh tokens of another
	third := other.tokens(refreshForm(second.RefreshToken))
	s.alive(third)
	s.refresh(third.AccessToken).is(s.bookGone)
	s.get("/me", "Authorization: Bearer "+third.RefreshToken).is(badToken())
	s.get(logout, "Authorization: Bearer "+third.RefreshToken).hasStatus(http.StatusFound)

	s.refresh(first.RefreshToken).is(s.bookGone) // somebody else has a copy
	s.refresh(third.RefreshToken).is(s.bookGone)
	a.open(t, plan{beside: s}).gone(third)
	t.Run("at once", func(t *testing.T) { refreshAtOnce(t, a) })
}

// refreshAtOnce: many concurrent requests with one refresh token, on two instances, make one refresh at the provider.
func refreshAtOnce(t *testing.T, a setup) {
	s := a.open(t, plan{})
	sites := []*site{s, a.open(t, plan{beside: s})}
	form := refreshForm(s.tokens(s.codeForm("alice")).RefreshToken)
	before := s.idp.Hits(oidctest.Token)
	answers, errs := make([]*answer, 16), make([]error, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i], errs[i] = sites[i%2].try(http.MethodPost, token, strings.NewReader(form.Encode()), "Content-Type: application/x-www-form-urlencoded")
		})
	}
	all.Wait()
	access := make(map[string]bool)
	for i, got := range answers {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		got.is(tokenAnswer())
		var tokens core.Token
		if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
			t.Fatal(err)
		}
		access[tokens.AccessToken+tokens.RefreshToken] = true
	}
	if hits := s.idp.Hits(oidctest.Token) - before; len(access) != 1 || hits != 1 {
		t.Errorf("%d answers, of %d refreshes at the provider", len(access), hits)
	}
}

// testEndedSessions: a logout ends its session and no other.
func testEndedSessions(t *testing.T, a setup) {
	s := a.open(t, plan{})
	mine, others := s.tokens(s.codeForm("alice")), s.tokens(s.codeForm("alice"))
	query, cookies := s.begin(ownCallback, "alice")
	var browser core.Token
	if err := json.Unmarshal([]byte(s.comeBack(query, cookies).body), &browser); err != nil {
		t.Fatal(err)
	}
	exchanged := core.Token{AccessToken: s.token("alice"), RefreshToken: "x"}
	s.alive(mine)
	s.get(logout+"?access_token="+mine.AccessToken, "Cookie: access_token="+mine.AccessToken).hasStatus(http.StatusFound)
	s.raw("GET "+logout+" HTTP/1.1", "Authorization: Bearer "+mine.AccessToken, "Authorization: Bearer "+others.AccessToken).hasStatus(http.StatusFound)
	s.alive(mine) // none of these was a bearer token

	for _, ended := range []core.Token{mine, browser, exchanged} {
		s.alive(ended)
		s.get(logout, "Authorization: Bearer "+ended.AccessToken).hasStatus(http.StatusFound)
		s.gone(ended)
		a.open(t, plan{beside: s}).gone(ended)
	}
	s.alive(others)
	s.alive(s.tokens(refreshForm(others.RefreshToken)))

	// If the provider ends a session, the service does at the next refresh.
	lost := s.tokens(s.codeForm("alice"))
	s.idp.Fault(oidctest.Token, oidctest.Times(1, oidctest.ErrorCode(http.StatusBadRequest, "invalid_grant")))
	s.refresh(lost.RefreshToken).is(s.bookGone)
	s.refresh(lost.RefreshToken).is(s.bookGone)
}
