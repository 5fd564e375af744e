package core_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// FuzzAuthorization: a guard admits exactly the requests with one header that has the scheme Bearer and the valid token. An
// optional guard refuses nothing, unless it has RejectInvalid.
func FuzzAuthorization(f *testing.F) {
	good := fuzzToken()
	for _, value := range []string{"Bearer " + good, "bearer   " + good + " ", "Basic " + good, "Bearer", "Bearer ", good, "Bearer\t" + good, "Bearer " + good + ",Bearer " + good, "Bearer a.b.c", "\x00 \xff", "BEARER " + good + "="} {
		f.Add(uint8(1), value, "")
		f.Add(uint8(2), value, "Bearer "+good)
	}
	f.Add(uint8(0), "", "")
	service, _ := fuzzService(f, fuzzMetadata())
	required, optional, strict := service.auth.Required(), service.auth.Optional(), service.auth.Optional(core.RejectInvalid)
	f.Fuzz(func(t *testing.T, several uint8, first, second string) {
		headers := []string{first, second}[:several%3]
		scheme, rest, _ := strings.Cut(first, " ")
		want := len(headers) == 1 && strings.EqualFold(scheme, "bearer") && strings.Trim(rest, " ") == good
		caller, err := decide(t.Context(), required, headers)
		if want != (err == nil) || want != (caller.Subject() == "alice") {
			t.Errorf("%q: %v, %v", headers, caller, err)
		}
		var refusal *core.Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Status != 401 && refusal.Status != 400 || (refusal.Status == 400) != (len(headers) > 1)) {
			t.Errorf("%q: %v", headers, err)
		}
		if answer := service.auth.Answer(t.Context(), core.Credentials{}, err); err != nil && answer.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: no challenge: %v", headers, answer.Header)
		}
		if guest, err := decide(t.Context(), optional, headers); err != nil || want != (guest != nil) {
			t.Errorf("optional: %q: %v, %v", headers, guest, err)
		}
		if guest, err := decide(t.Context(), strict, headers); want != (guest != nil) || want && err != nil {
			t.Errorf("optional, strict: %q: %v, %v", headers, guest, err)
		}
	})
}

// FuzzClaims: with any signed header and claims, a guard accepts only what encoding/json reads as an access token of this
// issuer, for this service, that has not expired.
func FuzzClaims(f *testing.F) {
	good := toJSON(claims{"iss": issuer, "sub": "alice", "aud": clientID, "exp": 4102444800, "iat": 1})
	f.Add(goodHeader, good)
	f.Add(`{"alg":"EdDSA","kid":"k1"}`, good)
	f.Add(`{"alg":"Ed25519","kid":"k1","typ":"application/at+jwt"}`, good)
	f.Add(`{"alg":"EdDSA","typ":"dpop+jwt"}`, good)
	for _, change := range [][2]string{
		{`4102444800`, `4102444800.5e0`}, {`4102444800`, `"4102444800"`}, {`4102444800`, `1e309`}, {`"iat":1`, `"nbf":9e9`}, {`"iat":1`, `"nbf":-1e300`}, {`"alice"`, `["alice"]`},
		{`{`, `{"typ":"ID",`}, {`{`, `{"cnf":{"jkt":"x"},`}, {`{`, `{"EXP":1,`}, {`{`, `{"scope":"a  b","scp":["c"],`}, {`"my-client"`, `["x","my-client"]`}, {`"my-client"`, `"x","azp":"my-client"`},
		{`"my-client"`, `"account","azp":"my-client"`}, {`"my-client"`, `[],"client_id":"my-client"`}, {`{`, `{"scope":"",`}, {`{`, `{"token_use":"id","scope":"",`}, {`{`, `{"nonce":"n","cid":"c",`},
	} {
		f.Add(goodHeader, strings.Replace(good, change[0], change[1], 1))
		f.Add(`{"alg":"EdDSA","kid":"k1"}`, strings.Replace(good, change[0], change[1], 1))
	}
	idp := &memoryIDP{}
	service, _ := fuzzService(f, fuzzMetadata())
	guard := service.auth.Required()
	f.Fuzz(func(t *testing.T, header, payload string) {
		caller, err := admit(t, guard, idp.sign("k1", header, payload))
		var refusal *core.Error
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Status != 401 {
				t.Errorf("got %v", err)
			}
			return
		}
		var read map[string]any
		if err := json.Unmarshal([]byte(payload), &read); err != nil {
			t.Fatal(err)
		}
		number := func(name string) float64 { n, _ := read[name].(float64); return n }
		now, slack := float64(time.Now().Unix()), 120.0
		if read["iss"] != issuer || read["sub"] != caller.Subject() || caller.Subject() == "" || number("exp")+slack <= now || number("iat") > now+slack || number("nbf") > now+slack {
			t.Errorf("accepted: %s", payload)
		}
		var head struct {
			Typ string `json:"typ"`
		}
		if err := json.Unmarshal([]byte(header), &head); err != nil {
			t.Fatal(err)
		}
		typed := strings.HasSuffix(strings.ToLower(head.Typ), "at+jwt")
		rest := strings.NewReplacer(`"account"`, "", `"broker"`, "", `"realm-management"`, "").Replace(toJSON(read["aud"]))
		issued := read["azp"] == clientID || read["client_id"] == clientID
		if !strings.Contains(rest, `"`+clientID+`"`) && (typed || !issued || strings.Contains(rest, `"`)) {
			t.Errorf("not for this service: %s %s", header, payload)
		}
		kind, _ := read["typ"].(string)
		if regexp.MustCompile(`(?i)^(id|refresh|offline|logout)$`).MatchString(kind) || read["token_use"] == "id" || read["cnf"] != nil || read["events"] != nil {
			t.Errorf("not an access token: %s", payload)
		}
		marks := toJSON([]any{read["scope"], read["scp"], read["client_id"], read["cid"], read["appid"], read["azpacr"], read["token_use"]})
		if marks == "[null,null,null,null,null,null,null]" && !strings.EqualFold(kind, "Bearer") && !typed {
			t.Errorf("maybe an ID token: %s %s", header, payload)
		}
	})
}

// FuzzCookie: a callback redeems its code only for the browser with the cookie of the login, and deletes that cookie with any
// header. VALUE is replaced by the cookie of the login, NAME by its name.
func FuzzCookie(f *testing.F) {
	for _, header := range []string{
		"VALUE", "a=b; VALUE", "VALUE; VALUE", "xVALUE", `"VALUE"`, "VALUE=", " VALUE ;", "", ";;;", "=", "VALUE,VALUE", "NAME=; VALUE", "NAME=x; VALUE", "VALUE; NAME=x", "__Host-oidc-0000000012345=x; VALUE", "\x00=\xff; VALUE",
		strings.Repeat("__Host-oidc-00000000aaaaaa=x; ", 50),
	} {
		f.Add(header)
	}
	service, provider := fuzzService(f, fuzzMetadata())
	provider.set("token", fuzzAnswer{400, "application/json", `{"error":"invalid_grant"}`})
	own := url.Values{"redirect_uri": {"https://app.example/api/auth/v2/callback"}}.Encode()
	f.Fuzz(func(t *testing.T, text string) {
		before := core.ParseRequest(http.MethodGet, "", own, http.Header{"Cookie": {strings.ReplaceAll(text, "VALUE", "v=1")}}, nil)
		login := service.routes["login"].Serve(t.Context(), before)
		cookie := flowCookie(t, login)
		target, err := url.Parse(login.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(cookie, "=")
		header := http.Header{"Cookie": {strings.NewReplacer("VALUE", cookie, "NAME", name).Replace(text)}}
		first := "" // only the first of two cookies counts
		if sent := (&http.Request{Header: header}).CookiesNamed(name); len(sent) > 0 {
			first = sent[0].Value
		}
		provider.take()
		query := url.Values{"code": {"c"}, "state": {target.Query().Get("state")}}
		answer := service.routes["callback"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "", query.Encode(), header, nil))
		asked := strings.Contains(strings.Join(provider.take(), " "), "/token")
		if want := first == value; asked != want {
			t.Errorf("%q with %q: the code was redeemed: %v", text, cookie, asked)
		}
		if fuzzStatus(t, "callback", answer); !strings.HasPrefix(answer.Header.Get("Set-Cookie"), name+"=; ") {
			t.Errorf("%q: the cookie stays: %v", text, answer.Header)
		}
	})
}

// FuzzLogin: with any parameters, a login is refused, or the provider gets each parameter once with the value of this service.
func FuzzLogin(f *testing.F) {
	challenge := strings.Repeat("c", 43)
	f.Add("openid profile", "login consent", "state", "true", challenge, "S256")
	f.Add("", "none login", "", "TRUE", "", "")
	f.Add("a\"b", "x", "\x00", "1", challenge, "plain")
	f.Add("&client_id=evil", "&", "#", "&", "c&redirect_uri=x", "S256")
	f.Add("é \u00a0", "\xff", strings.Repeat("s", 2000), "", challenge+"=", "S256")
	f.Add("openid", "", "state", "", challenge+"=", "S256")
	f.Add("openid", "", "state", "", "short", "S256")
	service, _ := fuzzService(f, fuzzMetadata())
	f.Fuzz(func(t *testing.T, scope, prompt, state, offline, challenge, method string) {
		query := url.Values{"redirect_uri": {flowRedirect}}
		for name, value := range map[string]string{"scope": scope, "prompt": prompt, "state": state, "offline_access": offline, "code_challenge": challenge, "code_challenge_method": method} {
			if value != "" {
				query.Set(name, value)
			}
		}
		answer := service.routes["login"].Serve(t.Context(), core.ParseRequest(http.MethodGet, "", query.Encode(), nil, nil))
		if answer.Status != http.StatusFound {
			fuzzStatus(t, "login", answer)
			return
		}
		target, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(target.String(), issuer+"/authorization?") || target.Fragment != "" || strings.ContainsAny(answer.Header.Get("Location"), "\r\n \x00") {
			t.Fatalf("%v: %q", err, answer.Header)
		}
		sent := target.Query()
		for name, values := range sent {
			if len(values) != 1 {
				t.Errorf("%s is sent as %q", name, values)
			}
		}
		if sent.Get("client_id") != clientID || sent.Get("redirect_uri") != flowRedirect || sent.Get("response_type") != "code" || len(sent.Get("code_challenge")) != 43 || sent.Get("code_challenge_method") != "S256" {
			t.Errorf("sent %v", sent)
		}
		if challenge != "" && (sent.Get("code_challenge") != challenge || sent.Get("state") != state) || challenge == "" && len(sent.Get("state")) < 128 {
			t.Errorf("sent %v for the challenge %q and the state %q", sent, challenge, state)
		}
	})
}
