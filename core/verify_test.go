package core_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// rawClaims returns valid claims as JSON with one member replaced.
func rawClaims(name, value string) string {
	text := toJSON(goodClaims(claims{name: nil}))
	return text[:len(text)-1] + `,"` + name + `":` + value + `}`
}

func TestAccessTokenClaims(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	now := time.Now().Unix()
	for name, c := range map[string]struct {
		change claims
		status int
	}{
		"good": {nil, 200},

		"no exp":                {claims{"exp": nil}, 401},
		"expired":               {claims{"exp": now - 60}, 401},
		"exp within the leeway": {claims{"exp": now - 25}, 200},
		"exp beyond the leeway": {claims{"exp": now - 31}, 401},
		"exp: a text":           {claims{"exp": "9999999999"}, 401},
		"exp: a boolean":        {claims{"exp": true}, 401},
		"exp: a list":           {claims{"exp": []int64{now + 60}}, 401},
		"exp: zero":             {claims{"exp": 0}, 401},
		"exp: negative":         {claims{"exp": -1}, 401},
		"exp: a fraction":       {claims{"exp": float64(now) + 60.5}, 200},

		"nbf now":               {claims{"nbf": now}, 200},
		"nbf within the leeway": {claims{"nbf": now + 25}, 200},
		"nbf in the future":     {claims{"nbf": now + 60}, 401},
		"nbf is a text":         {claims{"nbf": "1"}, 401},
		"no iat":                {claims{"iat": nil}, 200},
		"iat within the leeway": {claims{"iat": now + 25}, 200},
		"iat in the future":     {claims{"iat": now + 60}, 401},
		"iat is a list":         {claims{"iat": []int{1}}, 401},

		"no iss":                    {claims{"iss": nil}, 401},
		"iss: empty":                {claims{"iss": ""}, 401},
		"iss: another":              {claims{"iss": "https://evil.example"}, 401},
		"iss: a prefix":             {claims{"iss": "https://idp.example"}, 401},
		"iss: with a slash":         {claims{"iss": issuer + "/"}, 401},
		"iss: in another case":      {claims{"iss": "https://IDP.example/realm"}, 401},
		"iss: with a space":         {claims{"iss": issuer + " "}, 401},
		"iss: a list that holds it": {claims{"iss": []string{issuer}}, 401},
		"iss: a number":             {claims{"iss": 1}, 401},
		"iss: a port":               {claims{"iss": "https://idp.example:443/realm"}, 401},

		"aud: another audience":     {claims{"aud": "another-client"}, 401},
		"aud: none":                 {claims{"aud": nil}, 401},
		"aud: empty":                {claims{"aud": ""}, 401},
		"aud: an empty list":        {claims{"aud": []string{}}, 401},
		"aud: a list that holds it": {claims{"aud": []string{"a", clientID}}, 200},
		"aud: nested":               {claims{"aud": [][]string{{clientID}}}, 401},
		"aud: an object":            {claims{"aud": claims{clientID: true}}, 401},
		"aud: a list with a number": {claims{"aud": []any{clientID, 1}}, 401},
		"aud: a list with a null":   {claims{"aud": []any{clientID, nil}}, 401},
		"aud: a prefix":             {claims{"aud": clientID + "-2"}, 401},
		"aud: in another case":      {claims{"aud": "My-Client"}, 401},
		"azp is a list":             {claims{"azp": []string{clientID}}, 401},

		"no sub":        {claims{"sub": nil}, 401},
		"sub: empty":    {claims{"sub": ""}, 401},
		"sub: a number": {claims{"sub": 7}, 401},
		"sub: a list":   {claims{"sub": []string{"alice"}}, 401},
		"jti a number":  {claims{"jti": 7}, 401},
		"jti a text":    {claims{"jti": "7"}, 200},
		"scope a list":  {claims{"scope": []string{"a"}}, 401},
		"scope a 1":     {claims{"scope": 1}, 401},
		"scp a 1":       {claims{"scp": 1}, 401},
		"roles a 1":     {claims{"roles": 1, "groups": claims{}, "realm_access": "x", "resource_access": []int{1}}, 200},
		"email a 1":     {claims{"email": 1, "preferred_username": []int{2}, "name": claims{}}, 200},
		"exp of 1.5e":   {claims{"exp": json.RawMessage("1.5e10")}, 200},

		"ID token of Keycloak":         {claims{"typ": "ID"}, 401},
		"id as id":                     {claims{"typ": "id"}, 401},
		"refresh token":                {claims{"typ": "Refresh"}, 401},
		"offline token":                {claims{"typ": "Offline"}, 401},
		"logout token":                 {claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}, 401},
		"logout token of Keycloak":     {claims{"typ": "Logout"}, 401},
		"typ of another type":          {claims{"typ": []string{"ID"}}, 401},
		"Bearer":                       {claims{"typ": "Bearer"}, 200},
		"Bearer with a nonce":          {claims{"typ": "Bearer", "nonce": "n"}, 200},
		"bound to a DPoP key":          {claims{"cnf": claims{"jkt": "x"}}, 401},
		"bound to a certificate":       {claims{"cnf": claims{"x5t#S256": "x"}}, 401},
		"bound, of another type":       {claims{"cnf": "x"}, 401},
		"null binds nothing":           {claims{"cnf": json.RawMessage("null")}, 200},
		"at+jwt may have a nonce":      {claims{"nonce": "n"}, 200},
		"EXP instead of exp":           {claims{"exp": nil, "EXP": now + 600}, 401},
		"Iss instead of iss":           {claims{"iss": nil, "Iss": issuer}, 401},
		"long s":                       {claims{"iss": nil, "iſs": issuer}, 401},
		"AUD beside aud":               {claims{"AUD": "x"}, 401},
		"Scope beside scope":           {claims{"scope": "a", "Scope": "admin"}, 401},
		"Sub beside sub":               {claims{"Sub": "admin"}, 401},
		"CNF instead of cnf":           {claims{"CNF": claims{"jkt": "x"}}, 401},
		"other names may be any":       {claims{"Email": "x", "EMAIL": "y"}, 200},
		"sub of many bytes":            {claims{"sub": strings.Repeat("s", 4000)}, 200},
		"at_hash in a token of at+jwt": {claims{"at_hash": "x"}, 200},
	} {
		t.Run(name, func(t *testing.T) { wantStatus(t, guard, idp.token(c.change), c.status) })
	}
}

// Times that overflow time.Time do not wrap.
func TestTimesDoNotWrap(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	for value, status := range map[string][3]int{ // exp, nbf, iat
		"1e19":                 {200, 401, 401},
		"9223372036854775807":  {200, 401, 401},
		"9223372036854775808":  {200, 401, 401},
		"18446744073709551616": {200, 401, 401},
		"1e300":                {200, 401, 401},
		"1e400":                {401, 401, 401},
		"-1e19":                {401, 200, 200},
		"-1e300":               {401, 200, 200},
		"4.1e9":                {200, 401, 401},
		"1e-400":               {401, 200, 200},
	} {
		for i, name := range []string{"exp", "nbf", "iat"} {
			t.Run(name+" "+value, func(t *testing.T) {
				wantStatus(t, guard, idp.sign("k1", goodHeader, rawClaims(name, value)), status[i])
			})
		}
	}
	caller := mustAdmit(t, guard, idp.sign("k1", goodHeader, rawClaims("exp", "1e300")))
	if year := caller.Expiry().UTC().Year(); year != 9999 {
		t.Errorf("Expiry is in the year %d", year)
	}
}

// Explicit typing.
func TestAccessTokenTypes(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	for typ, status := range map[string]int{
		"": 200, "JWT": 200, "jwt": 200, "at+jwt": 200, "AT+JWT": 200, "application/at+jwt": 200,
		"id_token": 401, "logout+jwt": 401, "dpop+jwt": 401, "secevent+jwt": 401, "application/jwt": 401, "token-introspection+jwt": 401,
		"oauth-authz-req+jwt": 401, "at+jwt ": 401, "JOSE": 401, "kb+jwt": 401, "xat+jwt": 401,
	} {
		t.Run("typ "+typ, func(t *testing.T) {
			wantStatus(t, guard, idp.sign("k1", `{"alg":"EdDSA","kid":"k1","typ":"`+typ+`"}`, toJSON(goodClaims(claims{"scope": "openid"}))), status)
		})
	}
	plain := `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`
	for _, mark := range []string{"nonce", "at_hash", "c_hash"} { // unmarked, so these make it an ID token
		wantStatus(t, guard, idp.sign("k1", plain, toJSON(goodClaims(claims{"scope": "openid", mark: "x"}))), 401)
		wantStatus(t, guard, idp.sign("k1", plain, toJSON(goodClaims(claims{"scope": "openid", mark: 1}))), 401)
	}
}

// A token of the provider without a claim of an authorization is not an access token: ID tokens from refreshes and device
// logins may have neither nonce nor at_hash.
func TestUnmarkedTokens(t *testing.T) {
	f := newFlow(t, nil)
	idp, guard := f.idp, f.auth.Required()
	for name, c := range map[string]struct {
		claims oidctest.Claims
		status int
	}{
		"nothing": {nil, 401}, "null": {oidctest.Claims{"scope": json.RawMessage("null")}, 401}, "azp": {oidctest.Claims{"azp": "app"}, 401},
		"jti": {oidctest.Claims{"jti": "x"}, 401}, "sid": {oidctest.Claims{"sid": "x"}, 401}, "roles": {oidctest.Claims{"roles": []string{"admin"}}, 401},
		"scope": {oidctest.Claims{"scope": "read"}, 200}, "an empty scope": {oidctest.Claims{"scope": ""}, 200}, "scp": {oidctest.Claims{"scp": []string{"read"}}, 200},
		"client_id": {oidctest.Claims{"client_id": "app"}, 200}, "cid": {oidctest.Claims{"cid": "app"}, 200}, "appid": {oidctest.Claims{"appid": "app"}, 200},
		"azpacr": {oidctest.Claims{"azpacr": "1"}, 200}, "token_use access": {oidctest.Claims{"token_use": "access"}, 200}, "Bearer": {oidctest.Claims{"typ": "Bearer"}, 200},
		"token_use id":         {oidctest.Claims{"token_use": "id", "client_id": "app"}, 401},
		"token_use ID":         {oidctest.Claims{"token_use": "ID", "scope": "read"}, 401},
		"token_use a list":     {oidctest.Claims{"token_use": []string{"access"}, "scope": "read"}, 401},
		"token_use another":    {oidctest.Claims{"token_use": "refresh"}, 401},
		"Bearer, token_use id": {oidctest.Claims{"typ": "Bearer", "token_use": "id"}, 401},
		"scope and nonce":      {oidctest.Claims{"scope": "read", "nonce": "n"}, 401},
		"scope and cnf":        {oidctest.Claims{"scope": "read", "cnf": oidctest.Claims{"jkt": "x"}}, 401},
		"scope, typ ID":        {oidctest.Claims{"scope": "read", "typ": "ID"}, 401},
		"Scope":                {oidctest.Claims{"Scope": "read"}, 401},
	} {
		t.Run(name, func(t *testing.T) { wantStatus(t, guard, idp.UnmarkedAccessToken("alice", c.claims), c.status) })
	}
	wantStatus(t, guard, idp.IDToken("alice"), http.StatusUnauthorized)
	wantStatus(t, guard, idp.AccessToken("alice", oidctest.Claims{"token_use": "id"}), http.StatusUnauthorized)
	if _, err := admit(t, guard, idp.IDToken("alice")); !errors.Is(err, core.ErrTokenKind) {
		t.Errorf("an ID token is refused for %v", errors.Unwrap(err))
	}
}

// A logout sends the ID token of the last refresh, without nonce and at_hash, in a URL. Whoever finds it there cannot use it:
// no guard, no route and no exchange accepts it as an access token.
func TestLogoutHintOpensNothing(t *testing.T) {
	f := newFlow(t, brokered())
	f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { delete(claims, "at_hash") })
	token := flowGranted(t, f.refresh(f.tokens("alice").RefreshToken))
	target, err := url.Parse(f.get("logout", nil, "Authorization: Bearer "+token.AccessToken).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	hint := target.Query().Get("id_token_hint")
	if _, payload := unpack(t, hint); payload["nonce"] != nil || payload["at_hash"] != nil || payload["sub"] != "alice" {
		t.Fatalf("the hint says %v", payload)
	}
	flowRefused(t, "exchange", f.exchange(hint, nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
	passthrough := flowOver(t, f.idp, nil)
	for _, service := range []*flowService{f, passthrough} {
		if _, err := service.admit(hint); statusOf(t, nil, err) != http.StatusUnauthorized {
			t.Errorf("a guard: %v", err)
		}
		flowRefused(t, "userinfo", service.get("userinfo", nil, "Authorization: Bearer "+hint), http.StatusUnauthorized, "invalid_token", "Invalid token")
	}
	before := f.idp.Hits(oidctest.Revocation)
	passthrough.leave(hint)
	if f.idp.Hits(oidctest.Revocation) != before {
		t.Error("a logout took it for an access token")
	}
}

func TestAccessTokenForm(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	good := idp.token()
	mustAdmit(t, guard, good)
	body := toJSON(goodClaims(claims{"scope": "openid"}))
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"none, unsigned":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"none with a signature":  idp.sign("k1", `{"alg":"none","kid":"k1"}`, body),
		"None":                   idp.sign("k1", `{"alg":"None","kid":"k1"}`, body),
		"nOnE":                   idp.sign("k1", `{"alg":"nOnE","kid":"k1"}`, body),
		"eddsa":                  idp.sign("k1", `{"alg":"eddsa","kid":"k1"}`, body),
		"another algorithm":      idp.sign("k1", `{"alg":"RS256","kid":"k1"}`, body),
		"ES256":                  idp.sign("k1", `{"alg":"ES256","kid":"k1"}`, body),
		"HMAC with the key":      hmacToken(keyOf("k1").Public().(ed25519.PublicKey), body),
		"HMAC with the secret":   hmacToken([]byte("SECRET-OF-THE-CLIENT"), body),
		"HMAC with the oct key":  hmacToken([]byte{0, 0, 0}, body),
		"jwk":                    idp.sign("evil", `{"alg":"EdDSA","jwk":`+toJSON(publicJWK("evil"))+`}`, body),
		"jwk with our kid":       idp.sign("evil", `{"alg":"EdDSA","kid":"k1","jwk":`+toJSON(publicJWK("evil"))+`}`, body),
		"jku":                    idp.sign("evil", `{"alg":"EdDSA","kid":"k1","jku":"https://evil.example/keys"}`, body),
		"x5u":                    idp.sign("evil", `{"alg":"EdDSA","kid":"evil","x5u":"https://evil.example/cert"}`, body),
		"kid is a path":          idp.sign("k1", `{"alg":"EdDSA","kid":"../../dev/null"}`, body),
		"kid is an address":      idp.sign("evil", `{"alg":"EdDSA","kid":"https://evil.example/keys"}`, body),
		"kid is a number":        idp.sign("k1", `{"alg":"EdDSA","kid":1}`, body),
		"crit":                   idp.sign("k1", `{"alg":"EdDSA","kid":"k1","crit":["x"],"x":1}`, body),
		"b64":                    idp.sign("k1", `{"alg":"EdDSA","kid":"k1","b64":false,"crit":["b64"]}`, body),
		"padding":                good + "=",
		"JSON serialisation":     `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"payload is a list":      idp.sign("k1", goodHeader, `[`+body+`]`),
		"sub twice":              idp.sign("k1", goodHeader, rawClaims("sub", `"alice","sub":"admin"`)),
		"broken UTF-8":           idp.sign("k1", goodHeader, rawClaims("sub", "\"al\xffice\"")),
		"lone surrogate":         idp.sign("k1", goodHeader, rawClaims("sub", `"\ud800"`)),
		"encrypted":              strings.Join([]string{parts[0], parts[1], parts[1], parts[1], parts[2]}, "."),
		"longer than 16 KB":      idp.token(claims{"x": strings.Repeat("x", 13000)}),
		"nested":                 idp.sign("k1", `{"alg":"EdDSA","kid":"k1","cty":"JWT"}`, body),
		"another key":            idp.sign("evil", goodHeader, body),
		"no signature":           parts[0] + "." + parts[1] + ".",
		"another payload":        parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(toJSON(goodClaims(claims{"sub": "admin"})))) + "." + parts[2],
		"opaque":                 "2YotnFZFEjr1zCsicMWpAA",
		"two tokens":             good + ", Bearer " + good,
		"two tokens and a space": good + " " + good,
	} {
		t.Run(name, func(t *testing.T) { wantStatus(t, guard, token, http.StatusUnauthorized) })
	}
	if got := idp.Hits(oidctest.Elsewhere); got != 0 {
		t.Errorf("%d fetches for a header", got)
	}
	if got := idp.Hits(oidctest.JWKS); got > 2 {
		t.Errorf("%d fetches of the key set", got)
	}
}

func hmacToken(secret []byte, body string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"k1"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
