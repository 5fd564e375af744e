package contract

import (
	"net/http"
	"net/url"
	"testing"
)

// testRevoke tests RFC 7009: a token of a session ends it, and an unknown token is not an error.
func testRevoke(t *testing.T, a setup) {
	s := a.open(t, plan{})
	done := whole(http.StatusOK, "", "Cache-Control: no-store", "Pragma: no-cache")
	first, second, lives := s.tokens(s.codeForm("alice")), s.tokens(s.codeForm("alice")), s.tokens(s.codeForm("alice"))
	s.alive(first)
	s.post(revoke, url.Values{"token": {first.RefreshToken}, "token_type_hint": {"refresh_token"}}).is(done)
	s.gone(first)
	s.post(revoke, url.Values{"token": {second.AccessToken}}).is(done)
	s.post(revoke, url.Values{"token": {second.AccessToken}}).is(done)
	s.gone(second)
	for _, unknown := range []string{"x", "x.y.z", s.idp.AccessToken("alice")} {
		s.post(revoke, url.Values{"token": {unknown}}).is(done)
	}
	s.post(revoke, url.Values{"token": {lives.RefreshToken, "x"}}).is(invalid("Parameter token is given more than once."))
	s.post(revoke+"?token="+lives.RefreshToken, nil).is(s.noToken)
	s.post(revoke, url.Values{"token": {lives.RefreshToken}}, foreign...).is(foreignForm())
	s.alive(lives)
	s.store.goDown()
	s.post(revoke, url.Values{"token": {lives.RefreshToken}}).is(storeDown())
	s.store.comeBack()
	s.alive(s.tokens(refreshForm(lives.RefreshToken)))
}

// foreign returns the headers of a form that another site submits in the user's browser.
var foreign = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"}

func foreignForm() string {
	return refused(http.StatusForbidden, "access_denied", "A form of another site is not taken.")
}
