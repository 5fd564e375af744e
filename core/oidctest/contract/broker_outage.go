package contract

import (
	"net/http"
	"net/url"
	"testing"
)

func storeDown(headers ...string) string {
	return jsonWith(http.StatusServiceUnavailable, `{"detail":"The session store is not available."}`, append(headers, "Retry-After: 2")...)
}

// peerDown makes a guard's answer while the keys of a trusted issuer cannot be fetched.
func peerDown() string {
	return outage(http.StatusServiceUnavailable, "The keys of the token's issuer are out of reach, cannot validate token.")
}

// testStoreDown: an instance that has never reached its store answers 503 where it needs it; one that has continues to work.
func testStoreDown(t *testing.T, a setup) {
	warm := a.open(t, plan{})
	tokens, ended := warm.tokens(warm.codeForm("alice")), warm.tokens(warm.codeForm("alice"))
	query, cookies := warm.begin(ownCallback, "alice")
	warm.alive(tokens)
	cold := a.open(t, plan{beside: warm, build: func(app App) {
		standard(t, app)
		app.HandleOptional("/optional", who)
	}})
	warm.store.goDown()

	bearer := "Authorization: Bearer " + tokens.AccessToken
	cold.get("/me", bearer).is(storeDown())
	cold.get(userInfo, bearer).is(storeDown())
	cold.get(jwks).is(storeDown())
	cold.refresh(tokens.RefreshToken).is(storeDown())
	cold.post(token, exchangeOf(cold.idp.AccessToken("alice"))).is(storeDown())
	cold.get("/me").is(noCredentials())
	cold.get("/me", "Authorization: Bearer x.y.z").is(badToken())
	cold.get("/optional", bearer).is(seen("", 2))
	cold.get(loginQuery("redirect_uri", loopback)).hasStatus(http.StatusFound)

	warm.alive(tokens)
	warm.get(userInfo, bearer).is(jsonWith(http.StatusOK, aliceInfo))
	warm.get(jwks).is(published(1))
	warm.get("/me", warm.bearer("alice")).is(seen("alice", 2)) // an exchange stores nothing
	warm.refresh(tokens.RefreshToken).is(storeDown())
	warm.comeBack(query, cookies).is(storeDown(noReferrer, noCookie))
	warm.get(logout, "Authorization: Bearer "+ended.AccessToken).hasStatus(http.StatusFound)
	warm.post(logout, nil, "Authorization: Bearer "+ended.AccessToken).is(storeDown()) // a program is told
	warm.get("/me", "Authorization: Bearer "+ended.AccessToken).is(badToken())         // on this instance the session has ended

	warm.store.comeBack()
	warm.alive(warm.tokens(refreshForm(tokens.RefreshToken))) // the refresh token was not used
	warm.post(token, url.Values{"refresh_token": {"x"}}).is(warm.refreshGone)
}
