package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	flowUnusable     = "The OIDC provider gave an unusable answer."
	flowInvalidGrant = "invalid_grant: the code or token is not valid, was used, or has expired"
)

func flowRefresh(token string) url.Values { return url.Values{"refresh-token": {token}} }

// The client gets the rotated refresh token, and a used one is invalid_grant.
func TestRefresh(t *testing.T) {
	f := newFlow(t, nil)
	first := f.tokens("alice")
	answer := f.post("token", flowRefresh(first.RefreshToken))
	second := flowGranted(t, answer)
	flowWantTokenMembers(t, answer.Body)
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Errorf("nothing rotated: %s", answer.Body)
	}
	asked := f.idp.Last(oidctest.Token).Form
	if len(asked) != 2 || asked.Get("grant_type") != "refresh_token" || asked.Get("refresh_token") != first.RefreshToken {
		t.Errorf("the provider got %v", asked)
	}
	third := flowGranted(t, f.post("token", url.Values{"refresh_token": {second.RefreshToken}, "grant_type": {"refresh_token"}, "scope": {"openid admin"}}))
	if f.idp.Last(oidctest.Token).Form.Has("scope") || third.Scope != second.Scope {
		t.Errorf("the scope became %q", third.Scope)
	}
	flowRefused(t, "a replay", f.post("token", flowRefresh(first.RefreshToken)), 400, "invalid_grant", flowInvalidGrant)
	flowRefused(t, "the family has ended", f.post("token", flowRefresh(third.RefreshToken)), 400, "invalid_grant", flowInvalidGrant)
	flowRefused(t, "made up", f.post("token", flowRefresh("never-given-to-anybody")), 400, "invalid_grant", flowInvalidGrant)
}

// If the provider sends no new refresh token, the old one stays valid.
func TestRefreshWithoutRotation(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithoutRotation())
	first := f.tokens("alice")
	for range 3 {
		if again := flowGranted(t, f.post("token", flowRefresh(first.RefreshToken))); again.RefreshToken != first.RefreshToken {
			t.Errorf("the refresh token became %q", again.RefreshToken)
		}
	}
}

// A provider without refresh tokens.
func TestWithoutRefreshTokens(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithoutRefreshTokens())
	if token := f.tokens("alice"); token.RefreshToken != "" || token.RefreshExpires != token.Expires || token.Expires == 0 {
		t.Errorf("refresh token %q, %d, %d", token.RefreshToken, token.RefreshExpires, token.Expires)
	}
}

// Without scope in the answer, the scope comes from the token or from the request.
func TestAnswerWithoutScope(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithoutScope(), oidctest.WithOpaqueTokens())
	if token := f.tokens("alice"); token.Scope != "openid profile email" {
		t.Errorf("scope %q", token.Scope)
	}
	f = newFlow(t, nil, oidctest.WithoutScope())
	first := f.tokens("alice")
	if token := flowGranted(t, f.post("token", flowRefresh(first.RefreshToken))); token.Scope != "openid profile email" {
		t.Errorf("after a refresh: scope %q", token.Scope)
	}
}

// The type is always Bearer.
func TestLowerCaseType(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithLowerCaseType())
	if token := f.tokens("alice"); token.TokenType != "Bearer" {
		t.Errorf("type %q", token.TokenType)
	}
}

// The expiries of both tokens, for all forms of the provider's answer.
func TestExpiriesOfAnswers(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithOpaqueTokens())
	const month = 30 * 86400
	at := time.Now().Unix() + 100_000
	for _, c := range []struct {
		name             string
		members          oidctest.Claims
		expires, refresh int64 // from now
	}{
		{"usual", oidctest.Claims{"expires_in": 300, "refresh_expires_in": 1800}, 300, 1800},
		{"no end", oidctest.Claims{"expires_in": 300, "refresh_expires_in": 0}, 300, month},
		{"nothing said", oidctest.Claims{"expires_in": 300}, 300, month},
		{"numbers as text", oidctest.Claims{"expires_in": "300", "refresh_expires_in": "1800"}, 300, 1800},
		{"zero as text", oidctest.Claims{"expires_in": "300", "refresh_expires_in": "0"}, 300, month},
		{"null", oidctest.Claims{"expires_in": nil, "refresh_expires_in": nil}, 180, month},
		{"nothing at all", oidctest.Claims{}, 180, month},
		{"zero", oidctest.Claims{"expires_in": 0}, 180, month},
		{"negative", oidctest.Claims{"expires_in": -5, "refresh_expires_in": -5}, 180, month},
		{"absolute", oidctest.Claims{"expires_at": at, "refresh_expires_at": at + 5}, 100_000, 100_005},
		{"absolute, another name", oidctest.Claims{"expires": at, "refresh_expires": at + 5}, 100_000, 100_005},
		{"absolute, as text", oidctest.Claims{"exp": fmt.Sprint(at), "refresh_exp": fmt.Sprint(at + 5)}, 100_000, 100_005},
		{"absolute before relative", oidctest.Claims{"exp": at, "expires_in": 5, "refresh_expires": at, "refresh_expires_in": 5}, 100_000, 100_000},
		{"zero before relative", oidctest.Claims{"exp": 0, "expires_in": 300, "refresh_exp": 0, "refresh_expires_in": 1800}, 300, 1800},
		{"a fraction", oidctest.Claims{"expires_at": float64(at) + 0.75, "refresh_expires_in": 1800.5}, 100_000, 1800},
		{"seconds with a fraction", oidctest.Claims{"expires_in": 300.9}, 300, month},
		{"a fraction as text", oidctest.Claims{"expires_in": "300.9", "refresh_expires_in": "1800.9"}, 300, 1800},
		{"an exponent", oidctest.Claims{"expires_in": json.RawMessage("3.0E2")}, 300, month},
		{"less than a second", oidctest.Claims{"expires_in": 0.9}, 180, month},
		{"token_type null", oidctest.Claims{"expires_in": 300, "token_type": nil}, 300, month},
		{"scope null", oidctest.Claims{"expires_in": 300, "scope": nil}, 300, month},
	} {
		f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) {
			delete(answer, "expires_in")
			for name, value := range c.members {
				answer[name] = value
			}
		})
		before := time.Now().Unix()
		token := f.tokens("alice")
		after := time.Now().Unix()
		if token.Expires < before+c.expires-1 || token.Expires > after+c.expires+1 || token.RefreshExpires < before+c.refresh-1 || token.RefreshExpires > after+c.refresh+1 {
			t.Errorf("%s: ends in %d and %d, want %d and %d", c.name, token.Expires-before, token.RefreshExpires-before, c.expires, c.refresh)
		}
		if in := token.Expires - token.ExpiresIn; in < before || in > after || token.TokenType != "Bearer" || token.Scope != "openid profile email" {
			t.Errorf("%s: %+v", c.name, token)
		}
	}
}

// Malformed answers of the provider are a 502 at each grant, and nothing of them is passed on.
func TestMalformedAnswers(t *testing.T) {
	f := newFlow(t, nil)
	token := f.tokens("alice")
	for name, members := range map[string]oidctest.Claims{
		"no access_token": {"access_token": nil}, "an empty access_token": {"access_token": ""}, "access_token a number": {"access_token": 1}, "access_token a list": {"access_token": []string{"x"}}, "access_token an object": {"access_token": oidctest.Claims{}},
		"token_type a number": {"token_type": 1}, "token_type a list": {"token_type": []string{"Bearer"}},
		"scope a list": {"scope": []string{"openid"}}, "scope a number": {"scope": 1}, "refresh_token a number": {"refresh_token": 1}, "refresh_token a list": {"refresh_token": []string{"x"}},
		"expires_in a word": {"expires_in": "soon"}, "expires_in true": {"expires_in": true}, "expires_in without end": {"expires_in": 1e300}, "expires_in empty": {"expires_in": ""}, "expires_in in hex": {"expires_in": "0x10"}, "expires_in a list": {"expires_in": []int{300}}, "expires_in an object": {"expires_in": oidctest.Claims{}},
		"expires_at a word": {"expires_at": "upstream-secret"}, "exp a list": {"exp": []int{1}}, "refresh_expires_in a word": {"refresh_expires_in": "never"}, "refresh_expires_in true": {"refresh_expires_in": true},
		"refresh_expires_in not a number": {"refresh_expires_in": "NaN"}, "refresh_expires_in without end": {"refresh_expires_in": "Inf"}, "refresh_expires_in in hex": {"refresh_expires_in": "0x10"},
		"ACCESS_TOKEN": {"access_token": nil, "ACCESS_TOKEN": "other"},
	} {
		f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) {
			for member, value := range members {
				answer[member] = value
			}
		})
		answer := f.post("token", f.loopback("alice"))
		flowRefused(t, name, answer, 502, "server_error", flowUnusable)
	}
	f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { answer["token_type"] = "DPoP" })
	flowRefused(t, "another type", f.post("token", f.loopback("alice")), 502, "server_error", "The OIDC provider gave a token of a type that this service cannot use.")
	f.idp.Tamper(oidctest.TokenAnswers, nil)
	for _, body := range []string{
		`[]`, `[{"access_token":"x"}]`, `null`, `"x"`, `1`, `true`, ``, `{`, `{}`, `{"access_token":"a","access_token":"b"}`, `{"access_token":"a","ACCESS_TOKEN":"b"}`, `{"access_token":"a","REFRESH_TOKEN":"b"}`, `{"access_token":"a","Id_Token":"b"}`, `{"access_token":"a"} {}`, "\ufeff" + `{"access_token":"a"}`,
		"{\"access_token\":\"\xff\"}", `access_token=a&token_type=bearer`, `{"access_token":"a","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		f.idp.Fault(oidctest.Token, oidctest.Reply(200, "application/json", body))
		flowRefused(t, fmt.Sprintf("%.40q", body), f.post("token", flowRefresh(token.RefreshToken)), 502, "server_error", flowUnusable)
	}
	f.idp.Fault(oidctest.Token, oidctest.Reply(200, "application/x-www-form-urlencoded", `access_token=a&token_type=bearer`))
	flowRefused(t, "a form", f.post("token", flowRefresh(token.RefreshToken)), 502, "server_error", flowUnusable)
	f.idp.Heal()
	flowGranted(t, f.post("token", flowRefresh(token.RefreshToken))) // nothing was spent
}

// Concurrent requests with the same refresh token share one call and its answer.
func TestRefreshAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		memory := &flowMemory{token: func(form url.Values) (int, string) {
			<-gate
			return 200, `{"access_token":"the-access-token","token_type":"Bearer","expires_in":300,"refresh_token":"after ` + form.Get("refresh_token") + `"}`
		}}
		f := flowInMemory(t, memory, nil)
		answers := make(chan string, 50)
		for i := range 50 {
			token := "the-refresh-token"
			if i == 0 {
				token = "another-refresh-token"
			}
			go func() { answers <- string(f.post("token", flowRefresh(token)).Body) }()
		}
		synctest.Wait()
		if f.hits() != 2 {
			t.Errorf("2 tokens are %d calls", f.hits())
		}
		close(gate)
		distinct := map[string]int{}
		for range 50 {
			distinct[<-answers]++
		}
		if len(distinct) != 2 {
			t.Errorf("%d answers: %v", len(distinct), distinct)
		}
		for body, times := range distinct {
			if want := map[bool]int{true: 49, false: 1}[strings.Contains(body, "after the-refresh-token")]; times != want || !strings.Contains(body, "after ") {
				t.Errorf("%d times %s", times, body)
			}
		}
		flowGranted(t, f.post("token", flowRefresh("the-refresh-token")))
		if f.hits() != 3 {
			t.Error("an answer was kept for later")
		}
	})
}

// A refresh completes even if its caller disconnects.
func TestCallerLeavesDuringARefresh(t *testing.T) {
	f := newFlow(t, nil)
	for name, form := range map[string]func() url.Values{
		"refresh": func() url.Values { return flowRefresh(f.tokens("alice").RefreshToken) },
		"code":    func() url.Values { return f.loopback("alice") },
	} {
		given := form()
		ctx, leave := context.WithCancel(t.Context())
		asked := make(chan struct{})
		f.traffic.before = func(request *http.Request) {
			if request.URL.Path != "/token" {
				return // nothing is spent yet
			}
			leave()
			<-ctx.Done()
			if request.Context().Err() != nil {
				t.Errorf("%s: the call to the provider ends with its caller", name)
			}
			close(asked)
		}
		header := flowHeader([]string{"Content-Type: application/x-www-form-urlencoded"})
		answer := f.routes["token"].Serve(ctx, core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(given.Encode())))
		<-asked
		f.traffic.before = nil
		token := flowGranted(t, answer)
		flowGranted(t, f.post("token", flowRefresh(token.RefreshToken)))
	}
}

// If the first of two waiting callers disconnects, the second one gets the answer.
func TestOneOfTwoCallersLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		f := flowInMemory(t, &flowMemory{token: func(url.Values) (int, string) {
			<-gate
			return 200, `{"access_token":"the-access-token","refresh_token":"the-next-token"}`
		}}, nil)
		flowRefused(t, "warm", f.post("token", url.Values{"code": {"c"}, "code_verifier": {strings.Repeat("v", 43)}, "redirect_uri": {"x"}}), 400, "invalid_grant", "invalid_grant: this redirect_uri is not allowed")
		first, leave := context.WithCancel(t.Context())
		var group sync.WaitGroup
		ask := func(ctx context.Context) {
			header := flowHeader([]string{"Content-Type: application/x-www-form-urlencoded"})
			answer := f.routes["token"].Serve(ctx, core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader("refresh_token=the-refresh-token")))
			if answer.Status != 200 {
				t.Errorf("%d %s", answer.Status, answer.Body)
			}
		}
		group.Go(func() { ask(first) })
		synctest.Wait()
		group.Go(func() { ask(t.Context()) })
		synctest.Wait()
		leave()
		synctest.Wait()
		close(gate)
		group.Wait()
		if f.hits() != 1 {
			t.Errorf("%d calls", f.hits())
		}
	})
}

// An ID token from a refresh is verified, and must have the subject of the access token.
func TestRefreshedIDToken(t *testing.T) {
	f := newFlow(t, nil)
	for name, change := range map[string]oidctest.Claims{
		"sub": {"sub": "bob"}, "iss": {"iss": "https://evil.example"}, "aud": {"aud": "other", "azp": nil}, "exp": {"exp": 1}, "at_hash": {"at_hash": "x"},
	} {
		token := f.tokens("alice")
		f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) {
			for claim, value := range change {
				claims[claim] = value
			}
		})
		flowRefused(t, name, f.post("token", flowRefresh(token.RefreshToken)), 400, "invalid_grant", flowBadIDToken)
		f.idp.Tamper(oidctest.IDTokens, nil)
	}
	token := f.tokens("alice")
	f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { delete(answer, "id_token") })
	flowGranted(t, f.post("token", flowRefresh(token.RefreshToken))) // none is fine here
}

// The caller gets the provider's error codes, but not its texts and statuses.
func TestRefusalsOfTheProvider(t *testing.T) {
	f := newFlow(t, nil)
	form := flowRefresh("a-refresh-token-of-somebody")
	for _, status := range []int{400, 401, 403, 404, 422} {
		for code, detail := range map[string]string{
			"invalid_grant": flowInvalidGrant, "invalid_scope": "invalid_scope: the requested scope is not available", "access_denied": "access_denied: the user or the provider refused",
			"authorization_pending": "authorization_pending: the user has not answered yet", "slow_down": "slow_down: polled too fast, wait 5 seconds longer from now on", "expired_token": "expired_token: the device code has expired",
		} {
			f.idp.Fault(oidctest.Token, oidctest.ErrorCode(status, code))
			flowRefused(t, code, f.post("token", form), 400, code, detail)
		}
		for _, code := range []string{"invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "server_error", "upstream-secret", "INVALID_GRANT", ""} {
			f.idp.Fault(oidctest.Token, oidctest.ErrorCode(status, code))
			flowRefused(t, code, f.post("token", form), 502, "server_error", "The OIDC provider refused this service's request.")
		}
		for _, body := range []string{`{"error":["invalid_grant"]}`, `{"error":1}`, `[]`, ``, `<html>upstream-secret`, `{"error":"invalid_grant","error":"x"}`} {
			f.idp.Fault(oidctest.Token, oidctest.Reply(status, "application/json", body))
			flowRefused(t, body, f.post("token", form), 502, "server_error", "The OIDC provider refused this service's request.")
		}
	}
	f.idp.Fault(oidctest.Token, oidctest.ErrorCode(200, "invalid_grant"))
	if answer := f.post("token", form); answer.Status < 400 {
		t.Errorf("an error with status 200: %d %s", answer.Status, answer.Body)
	}
}
