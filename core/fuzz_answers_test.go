package core_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// FuzzTokenAnswer: whatever the token endpoint answers to a refresh, the client gets an access token only from a 2xx, the same that
// encoding/json reads, with plausible times.
func FuzzTokenAnswer(f *testing.F) {
	const kind = "application/json"
	f.Add(uint16(200), kind, `{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r","refresh_expires_in":1800,"scope":"openid"}`)
	f.Add(uint16(200), kind, `{"access_token":"a","token_type":"bearer","expires_in":"300","exp":1e300,"refresh_exp":-1,"not-before-policy":0,"session_state":"x"}`)
	f.Add(uint16(200), kind, `{"access_token":"a","Access_Token":"b"}`)
	f.Add(uint16(200), kind, `{"access_token":"a","token_type":"DPoP","id_token":"a.b.c"}`)
	f.Add(uint16(200), "application/x-www-form-urlencoded", `access_token=a&token_type=bearer`)
	f.Add(uint16(400), kind, `{"error":"invalid_grant","error_description":"x"}`)
	f.Add(uint16(401), "text/html", `<html>`)
	f.Add(uint16(302), kind, `{}`)
	f.Add(uint16(503), kind, ``)
	f.Add(uint16(200), kind, `{"access_token":"`+fuzzToken()+`","id_token":"`+fuzzToken()+`"}`)
	service, provider := fuzzService(f, fuzzMetadata())
	f.Fuzz(func(t *testing.T, status uint16, contentType, body string) {
		provider.set("token", fuzzAnswer{fuzzCode(status), contentType, body})
		answer := service.routes["token"].Serve(t.Context(), fuzzForm(url.Values{"refresh_token": {"rrrrrrrrrrrr"}}))
		provider.take()
		if answer.Status != http.StatusOK {
			fuzzStatus(t, "token", answer)
			return
		}
		var token core.Token
		var read map[string]any
		if json.Unmarshal(answer.Body, &token) != nil || json.Unmarshal([]byte(body), &read) != nil {
			t.Fatalf("%s out of %s", answer.Body, body)
		}
		refresh, ok := read["refresh_token"].(string)
		if !ok || refresh == "" {
			refresh = "rrrrrrrrrrrr"
		}
		if fuzzCode(status) >= 300 || token.AccessToken == "" || token.AccessToken != read["access_token"] || token.RefreshToken != refresh {
			t.Errorf("%d: %s out of %s", answer.Status, answer.Body, body)
		}
		if now := time.Now().Unix(); token.ExpiresIn < 0 || token.Expires < 0 || token.Expires > now+1<<53 || token.RefreshExpires < 0 {
			t.Errorf("the times %+v out of %s", token, body)
		}
	})
}

// fuzzCode maps a number to a status from 200 to 599; such a status stays the same.
func fuzzCode(status uint16) int { return 200 + (int(status)+200)%400 }

func fuzzForm(form url.Values) *core.Request {
	return core.ParseRequest(http.MethodPost, "", "", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader(form.Encode()))
}

// FuzzDeviceAnswer: a device login starts only with codes, a web address and an interval that a client can use.
func FuzzDeviceAnswer(f *testing.F) {
	const kind = "application/json"
	f.Add(uint16(200), kind, `{"device_code":"d","user_code":"U-C","verification_uri":"https://idp.example/device","verification_uri_complete":"https://idp.example/device?c=U-C","expires_in":600,"interval":5}`)
	f.Add(uint16(200), kind, `{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)","expires_in":"600"}`)
	f.Add(uint16(200), kind, `{"device_code":"d","user_code":"u","verification_uri":"https://a","expires_in":1e300,"interval":-1}`)
	f.Add(uint16(200), kind, `{"device_code":"d","user_code":1}`)
	f.Add(uint16(400), kind, `{"error":"unauthorized_client"}`)
	f.Add(uint16(400), kind, `{"error":{}}`)
	f.Add(uint16(200), kind, ``)
	service, provider := fuzzService(f, fuzzMetadata())
	f.Fuzz(func(t *testing.T, status uint16, contentType, body string) {
		provider.set("device_authorization", fuzzAnswer{fuzzCode(status), contentType, body})
		answer := service.routes["device"].Serve(t.Context(), fuzzForm(nil))
		provider.take()
		if answer.Status != http.StatusOK {
			fuzzStatus(t, "device", answer)
			return
		}
		var start core.DeviceStart
		var read map[string]any
		if json.Unmarshal(answer.Body, &start) != nil || json.Unmarshal([]byte(body), &read) != nil {
			t.Fatalf("%s out of %s", answer.Body, body)
		}
		address, err := url.Parse(start.VerificationURI)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || start.VerificationURI != read["verification_uri"] {
			t.Errorf("the address %q out of %s", start.VerificationURI, body)
		}
		if start.DeviceCode != read["device_code"] || start.UserCode != read["user_code"] || start.UserCode == "" || start.ExpiresIn < 0 || start.Interval < 1 {
			t.Errorf("%s out of %s", answer.Body, body)
		}
	})
}

// FuzzUserInfo: answers of the userinfo endpoint are used only if their subject is the caller's, and only their strings.
func FuzzUserInfo(f *testing.F) {
	const kind = "application/json"
	f.Add(uint16(200), kind, `{"sub":"alice","preferred_username":"al","given_name":"A","family_name":"A B","email":"a@example.org"}`)
	f.Add(uint16(200), kind, `{"sub":"mallory","preferred_username":"al"}`)
	f.Add(uint16(200), kind, `{"sub":"alice","SUB":"mallory","preferred_username":"al"}`)
	f.Add(uint16(200), kind, `{"sub":"alice","preferred_username":{},"uid":["x"]}`)
	f.Add(uint16(200), "application/jwt", fuzzToken())
	f.Add(uint16(401), kind, ``)
	service, provider := fuzzService(f, fuzzMetadata())
	header := http.Header{"Authorization": {"Bearer " + fuzzToken()}}
	f.Fuzz(func(t *testing.T, status uint16, contentType, body string) {
		provider.set("userinfo", fuzzAnswer{fuzzCode(status), contentType, body})
		answer := service.routes["userinfo"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "", "", header, nil))
		provider.take()
		if answer.Status != http.StatusOK {
			fuzzStatus(t, "userinfo", answer)
			return
		}
		var info core.UserInfo
		var read map[string]any
		if json.Unmarshal(answer.Body, &info) != nil || json.Unmarshal([]byte(body), &read) != nil || read["sub"] != "alice" {
			t.Fatalf("%s out of %s", answer.Body, body)
		}
		said := func(text string) bool {
			for _, value := range read {
				if text == "" || value == text {
					return true
				}
			}
			return false
		}
		if info.Username == "" || !said(info.Username) || !said(info.Email) || !said(info.FirstName) {
			t.Errorf("%s out of %s", answer.Body, body)
		}
	})
}

// FuzzIDToken: whatever the claims of a signed ID token are, a browser is logged in only if a second implementation of OpenID
// Connect Core section 3.1.3.7 accepts it. NONCE is replaced by the nonce of the login.
func FuzzIDToken(f *testing.F) {
	good := `{"iss":"` + issuer + `","sub":"alice","aud":"` + clientID + `","exp":4102444800,"iat":1,"nonce":"NONCE"}`
	f.Add(`{"alg":"EdDSA","kid":"k1"}`, good)
	for _, change := range [][2]string{
		{`"NONCE"`, `"x"`}, {`"aud":"`, `"azp":"x","aud":"`}, {`"aud":"`, `"aud":["x"],"AUD":"`}, {`4102444800`, `1`}, {`"iat":1,`, ``}, {`"iat":1`, `"iat":4102444800`},
		{`"alice"`, `null`}, {`"alice"`, `"a","sub":"b"`}, {`{"iss"`, `{"at_hash":"x","iss"`}, {`{"iss"`, `{"events":{},"iss"`}, {`{"iss"`, `{"typ":"Refresh","iss"`},
	} {
		f.Add(goodHeader, strings.Replace(good, change[0], change[1], 1))
		f.Add(`{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, strings.Replace(good, change[0], change[1], 1))
	}
	idp := &memoryIDP{}
	service, provider := fuzzService(f, fuzzMetadata())
	own := "https://app.example/api/auth/v2/callback"
	f.Fuzz(func(t *testing.T, header, payload string) {
		login := service.routes["login"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "", url.Values{"redirect_uri": {own}}.Encode(), nil, nil))
		target, err := url.Parse(login.Header.Get("Location"))
		if err != nil || login.Status != http.StatusFound {
			t.Fatalf("no login: %d %s", login.Status, login.Body)
		}
		nonce := target.Query().Get("nonce")
		payload = strings.ReplaceAll(payload, "NONCE", nonce)
		provider.set("token", fuzzAnswer{200, "application/json", toJSON(claims{"access_token": "opaque-access-token", "token_type": "Bearer", "id_token": idp.sign("k1", header, payload)})})
		query := url.Values{"code": {"c"}, "state": {target.Query().Get("state")}}
		answer := service.routes["callback"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "", query.Encode(), flowHeader([]string{"Cookie: " + flowCookie(t, login)}), nil))
		provider.take()
		if answer.Status != http.StatusOK {
			fuzzStatus(t, "callback", answer)
		} else if fault := idTokenFault(payload, nonce); fault != "" {
			t.Errorf("accepted though %s: %s", fault, payload)
		}
	})
}

// idTokenFault reads an ID token for the service of these targets with encoding/json.
func idTokenFault(payload, nonce string) string {
	var read map[string]any
	if err := json.Unmarshal([]byte(payload), &read); err != nil {
		return err.Error()
	}
	audience, isList := read["aud"].([]any)
	if !isList {
		audience = []any{read["aud"]}
	}
	number := func(name string) float64 { n, _ := read[name].(float64); return n }
	now, slack := float64(time.Now().Unix()), 120.0
	switch {
	case read["iss"] != issuer:
		return "the issuer is another"
	case read["sub"] == nil || read["sub"] == "":
		return "there is no subject"
	case !slices.Contains(audience, any(clientID)):
		return "it is for others"
	case read["azp"] != nil && read["azp"] != "" && read["azp"] != clientID, len(audience) > 1 && read["azp"] != clientID:
		return "another client asked for it"
	case number("exp")+slack <= now:
		return "it has expired"
	case read["iat"] == nil || number("iat") > now+slack || number("nbf") > now+slack:
		return "it is not valid yet, or has no date"
	case read["nonce"] != nonce:
		return "the nonce is another login's"
	}
	return ""
}

// FuzzSignedIntrospection: whatever the header and the claims of a signed introspection answer are, a guard accepts a token only if a second
// implementation of RFC 9701 section 5 accepts the answer, and the subject is the one in token_introspection.
func FuzzSignedIntrospection(f *testing.F) {
	const header = `{"alg":"EdDSA","kid":"k1","typ":"token-introspection+jwt"}`
	good := `{"iss":"` + issuer + `","aud":"` + clientID + `","iat":NOW,"token_introspection":{"active":true,"sub":"alice","aud":"` + clientID + `","token_type":"Bearer"}}`
	f.Add(header, good)
	for _, change := range [][2]string{
		{`NOW`, `1`}, {`NOW`, `9e9`}, {`NOW`, `"NOW"`}, {`"iat"`, `"exp":1,"iat"`}, {`"iat"`, `"sub":"bob","active":false,"iat"`}, {`"aud"`, `"aud":"x","Aud"`}, {`true`, `"true"`}, {`true`, `false`},
		{`"alice"`, `"a","sub":"b"`}, {`{"active"`, `[{"active"`}, {`"token_introspection"`, `"active":true,"token_introspection":{},"x"`}, {`"Bearer"`, `"DPoP"`}, {`{"active"`, `{"exp":1,"active"`},
	} {
		f.Add(header, strings.Replace(good, change[0], change[1], 1))
		f.Add(`{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, strings.Replace(good, change[0], change[1], 1))
	}
	idp := &memoryIDP{}
	metadata := strings.Replace(fuzzMetadata(), `{`, `{"introspection_endpoint":"`+issuer+`/introspect",`, 1)
	provider := &fuzzProvider{answers: map[string]fuzzAnswer{"openid-configuration": {200, "application/json", metadata}}}
	service := flowServe(f, (&memoryIDP{t: f}).config(), provider, func(c *core.Config) {
		c.Tokens, c.Introspection = core.Opaque, &core.IntrospectionConfig{Signed: true, TTL: -1}
	})
	guard, count := service.auth.Required(), 0
	f.Fuzz(func(t *testing.T, header, payload string) {
		payload = strings.ReplaceAll(payload, "NOW", strconv.FormatInt(time.Now().Unix(), 10))
		provider.set("introspect", fuzzAnswer{200, signedAnswer, idp.sign("k1", header, payload)})
		count++ // a refusal is cached for a while
		caller, err := admit(t, guard, "2YotnFZFEjr1zCsicMWpAA"+strconv.Itoa(count))
		provider.take()
		var refusal *core.Error
		switch {
		case err == nil:
			if fault := signedFault(header, payload, caller.Subject()); fault != "" {
				t.Errorf("accepted though %s: %s %s", fault, header, payload)
			}
		case !errors.As(err, &refusal) || refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusBadGateway:
			t.Errorf("%v", err)
		}
	})
}

// signedFault reads a signed introspection answer with encoding/json.
func signedFault(header, payload, subject string) string {
	var head map[string]any
	var read struct {
		Iss any
		Aud any
		Iat float64
		Exp *float64
		Nbf float64
		Is  map[string]any `json:"token_introspection"`
	}
	if err := errors.Join(json.Unmarshal([]byte(header), &head), json.Unmarshal([]byte(payload), &read)); err != nil {
		return err.Error()
	}
	typ, _ := head["typ"].(string)
	now, slack := float64(time.Now().Unix()), 120.0
	switch {
	case !strings.HasSuffix(strings.ToLower(typ), "token-introspection+jwt"):
		return "it is something else"
	case read.Iss != issuer:
		return "the issuer is another"
	case !strings.Contains(toJSON(read.Aud), `"`+clientID+`"`):
		return "it is for others"
	case read.Iat+slack < now || read.Iat > now+slack || read.Nbf > now+slack || read.Exp != nil && *read.Exp+slack <= now:
		return "it is of another time"
	case read.Is["active"] != true, read.Is["sub"] != subject:
		return "it says something else"
	}
	return ""
}
