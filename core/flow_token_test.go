package core_test

import (
	"crypto/sha256"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A code of the loopback client, posted in each form and spelling.
func TestTokenOfACode(t *testing.T) {
	f := newFlow(t, nil)
	rename := func(from, to string) func(url.Values) {
		return func(form url.Values) { form[to] = form[from]; delete(form, from) }
	}
	for name, change := range map[string]func(url.Values){
		"as the Python client": func(url.Values) {}, "no grant_type": func(form url.Values) { form.Del("grant_type") }, "an empty grant_type": func(form url.Values) { form.Set("grant_type", "") },
		"hyphen: redirect-uri": rename("redirect_uri", "redirect-uri"), "hyphen: code-verifier": rename("code_verifier", "code-verifier"), "hyphen: grant-type": rename("grant_type", "grant-type"),
		"empty other grants": func(form url.Values) { form.Set("refresh-token", ""); form.Set("device-code", "") },
		"unknown fields": func(form url.Values) {
			form.Set("subject_token", "x")
			form.Set("client_secret", "y")
			form.Set("client_id", "other")
		},
	} {
		form := f.loopback("alice")
		change(form)
		answer := f.post("token", form)
		token := flowGranted(t, answer)
		flowWantTokenMembers(t, answer.Body)
		if token.TokenType != "Bearer" || token.RefreshExpires < time.Now().Unix()+29*86400 {
			t.Errorf("%s: %s", name, answer.Body)
		}
	}
	sent := f.idp.Last(oidctest.Token).Form
	if len(sent) != 4 || sent.Get("grant_type") != "authorization_code" || sent.Get("redirect_uri") != flowRedirect || len(sent.Get("code_verifier")) != 43 || sent.Get("code") == "" {
		t.Errorf("the provider got %v", sent)
	}

	form := f.loopback("alice")
	var body strings.Builder
	writer := multipart.NewWriter(&body)
	for name := range form {
		_ = writer.WriteField(name, form.Get(name)) // into memory
	}
	_ = writer.Close()
	header := flowHeader([]string{"Content-Type: " + writer.FormDataContentType()})
	flowGranted(t, f.serve("token", core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(body.String()))))
}

// Ambiguous fields are a 400, before any call to the provider.
func TestTokenFields(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	const twice = " is given more than once."
	verifier := strings.Repeat("v", 43)
	code := "code=c&redirect_uri=" + url.QueryEscape(flowRedirect) + "&code_verifier=" + verifier
	for _, c := range []struct{ name, form, code, detail string }{
		{"nothing", "", "invalid_request", "Missing (device) code or refresh_token"},
		{"empty values", "code=&refresh-token=&device_code=", "invalid_request", "Missing (device) code or refresh_token"},
		{"a grant_type alone", "grant_type=refresh_token", "invalid_request", "Missing (device) code or refresh_token"},
		{"twice code", code + "&code=c", "invalid_request", "Parameter code" + twice},
		{"code, once empty", code + "&code=", "invalid_request", "Parameter code" + twice},
		{"twice code_verifier", code + "&code_verifier=" + verifier, "invalid_request", "Parameter code_verifier" + twice},
		{"twice grant_type", code + "&grant_type=authorization_code&grant_type=authorization_code", "invalid_request", "Parameter grant_type" + twice},
		{"both code_verifier", code + "&code-verifier=" + verifier, "invalid_request", "Parameter code_verifier" + twice},
		{"both redirect_uri", code + "&redirect-uri=x", "invalid_request", "Parameter redirect_uri" + twice},
		{"both refresh_token", "refresh_token=r&refresh-token=r", "invalid_request", "Parameter refresh-token" + twice},
		{"both device_code", "device_code=d&device-code=d", "invalid_request", "Parameter device-code" + twice},
		{"code and device", code + "&device-code=d", "invalid_request", "More than one grant is given."},
		{"code and refresh", code + "&refresh_token=r", "invalid_request", "More than one grant is given."},
		{"all, with a grant_type", code + "&refresh_token=r&device_code=d&grant_type=refresh_token", "invalid_request", "More than one grant is given."},
		{"another grant_type", "refresh_token=r&grant_type=authorization_code", "invalid_request", "The grant_type names another grant than the parameters."},
		{"another grant_type, device", "device_code=d&grant_type=refresh_token", "invalid_request", "The grant_type names another grant than the parameters."},
		{"password", "username=a&password=b&grant_type=password", "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered"},
		{"client_credentials", "grant_type=client_credentials", "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered"},
		{"implicit", code + "&grant_type=implicit", "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered"},
		{"exchange", "grant_type=" + url.QueryEscape("urn:ietf:params:oauth:grant-type:token-exchange") + "&subject_token=x", "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered"},
		{"case of grant_type", code + "&grant_type=Authorization_Code", "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered"},
		{"no verifier", "code=c&redirect_uri=" + url.QueryEscape(flowRedirect), "invalid_request", "Missing code_verifier"},
		{"an empty verifier", "code=c&code_verifier=", "invalid_request", "Missing code_verifier"},
		{"a verifier of 42", "code=c&code_verifier=" + verifier[1:] + "&redirect_uri=" + url.QueryEscape(flowRedirect), "invalid_request", "The code_verifier is malformed."},
		{"a verifier with a space", "code=c&code_verifier=+" + verifier, "invalid_request", "The code_verifier is malformed."},
		{"a verifier with a |", "code=c&code_verifier=%7C" + verifier, "invalid_request", "The code_verifier is malformed."},
		{"a verifier of no ASCII", "code=c&code_verifier=%C3%A9" + verifier, "invalid_request", "The code_verifier is malformed."},
		{"a verifier of 129", "code=c&code_verifier=" + strings.Repeat("v", 129), "invalid_request", flowBadState},
		{"the own callback", "code=c&code_verifier=" + verifier + "&redirect_uri=" + url.QueryEscape(flowOwnCallback), "invalid_grant", "invalid_grant: this redirect_uri is not allowed"},
		{"no redirect_uri", "code=c&code_verifier=" + verifier, "invalid_grant", "invalid_grant: this redirect_uri is not allowed"},
		{"a foreign redirect_uri", "code=c&code_verifier=" + verifier + "&redirect_uri=https://evil.example", "invalid_grant", "invalid_grant: this redirect_uri is not allowed"},
		{"a long code", "code=" + strings.Repeat("c", 16<<10+1) + "&code_verifier=" + verifier, "invalid_request", "Parameter code is too long."},
		{"a long refresh token", "refresh_token=" + strings.Repeat("r", 16<<10+1), "invalid_request", "Parameter refresh-token is too long."},
		{"a broken escape", "code=%zz", "invalid_request", "The request body is malformed."},
		{"a semicolon", "code=c;x=y", "invalid_request", "The request body is malformed."},
	} {
		flowRefused(t, c.name, f.postRaw("token", c.form), 400, c.code, c.detail)
	}
	flowRefused(t, "a long body", f.postRaw("token", "x="+strings.Repeat("x", core.MaxForm)), 413, "invalid_request", "The request body is too long.")
	if f.hits() != 0 {
		t.Errorf("the token endpoint was asked %d times", f.hits())
	}
	if calls := f.traffic.total(); calls != 0 {
		t.Errorf("the provider was asked %d times", calls)
	}
}

// Credentials are only read from a form body, never from the query or another body.
func TestTokenReadsOnlyTheForm(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	const form = "refresh_token=from-the-wrong-place"
	for name, request := range map[string]*core.Request{
		"query":         core.ParseRequest(http.MethodPost, "", form, flowHeader([]string{"Content-Type: application/x-www-form-urlencoded"}), strings.NewReader("")),
		"JSON":          core.ParseRequest(http.MethodPost, "", "", flowHeader([]string{"Content-Type: application/json"}), strings.NewReader(`{"refresh_token":"x"}`)),
		"text":          core.ParseRequest(http.MethodPost, "", "", flowHeader([]string{"Content-Type: text/plain"}), strings.NewReader(form)),
		"no type":       core.ParseRequest(http.MethodPost, "", "", http.Header{}, strings.NewReader(form)),
		"broken type":   core.ParseRequest(http.MethodPost, "", "", flowHeader([]string{"Content-Type: /;;"}), strings.NewReader(form)),
		"cookie":        core.ParseRequest(http.MethodPost, "", "", flowHeader([]string{"Cookie: " + form, "Content-Type: application/x-www-form-urlencoded"}), strings.NewReader("")),
		"authorization": core.ParseRequest(http.MethodPost, "", "", flowHeader([]string{"Authorization: Bearer from-the-wrong-place"}), nil),
	} {
		flowRefused(t, name, f.serve("token", request), 400, "invalid_request", "Missing (device) code or refresh_token")
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead, "post"} {
		answer := f.serve("token", core.ParseRequest(method, "", form, nil, nil))
		if answer.Status != 405 || answer.Header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: %d %v", method, answer.Status, answer.Header)
		}
	}
	if f.hits() != 0 {
		t.Error("the token endpoint was asked")
	}
}

// A client with its own challenge keeps its verifier and its state.
func TestClientWithItsOwnChallenge(t *testing.T) {
	const spa = "https://spa.example.org/done"
	f := newFlow(t, func(c *core.Config) { c.RedirectURIs = []string{spa, core.Loopback} })
	f.idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{spa}})
	verifier := strings.Repeat("aZ0-._~", 10)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, redirect := range []string{spa, flowRedirect} {
		login := url.Values{"redirect_uri": {redirect}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {"mine | & ="}}
		target, answer := f.login(login)
		query := target.Query()
		if query.Get("state") != "mine | & =" || query.Get("code_challenge") != challenge || query.Get("code_challenge_method") != "S256" || len(answer.Header["Set-Cookie"]) > 0 {
			t.Errorf("got %s, %v", target, answer.Header)
		}
		back := f.approve(target, "alice")
		form := url.Values{"code": {back.Get("code")}, "redirect_uri": {redirect}, "code_verifier": {strings.Repeat("w", 43)}}
		flowRefused(t, "another verifier", f.post("token", form), 400, "invalid_grant", "invalid_grant: the code or token is not valid, was used, or has expired")
		form.Set("code_verifier", verifier)
		flowGranted(t, f.post("token", form))
		if got := f.idp.Last(oidctest.Token).Form.Get("code_verifier"); got != verifier {
			t.Errorf("the provider got %q", got)
		}
		login.Del("state")
		if target, _ := f.login(login); target.Query().Has("state") {
			t.Error("a state nobody gave")
		}
	}
	const wrong = "The code_challenge has to be one of method S256."
	for _, c := range []struct{ name, redirect, challenge, method, detail string }{
		{"none", spa, "", "", "This redirect_uri needs a code_challenge of method S256."},
		{"plain", spa, challenge, "plain", wrong}, {"plain by default", spa, challenge, "", wrong}, {"case", spa, challenge, "s256", wrong}, {"method alone", flowRedirect, "", "S256", wrong},
		{"short", spa, challenge[1:], "S256", wrong}, {"long", spa, challenge + "A", "S256", wrong}, {"padded", spa, challenge[:42] + "=", "S256", wrong}, {"base64", spa, "+" + challenge[1:], "S256", wrong},
		{"injected", spa, challenge[:40] + "&x=", "S256", wrong}, {"plain, loopback", flowRedirect, challenge, "plain", wrong},
		{"own callback", flowOwnCallback, challenge, "S256", "The own callback takes no code_challenge."},
	} {
		answer := f.get("login", url.Values{"redirect_uri": {c.redirect}, "code_challenge": {c.challenge}, "code_challenge_method": {c.method}})
		flowRefused(t, c.name, answer, 400, "invalid_request", c.detail)
	}
	for _, state := range []string{strings.Repeat("s", 1025), "a\nb", "\x00"} {
		answer := f.get("login", url.Values{"redirect_uri": {spa}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {state}})
		flowRefused(t, "state", answer, 400, "invalid_request", "The state is too long or malformed.")
	}
}

// The client authentication of this service, without trial requests.
func TestClientAuthentication(t *testing.T) {
	const id, secret = "cliënt:1 %+", "p:w %+&=é\"'"
	for name, c := range map[string]struct {
		id, secret string
		methods    []string
		basic      bool
	}{
		"basic":                      {"app", oidctest.ClientSecret, nil, true},
		"basic, special characters":  {id, secret, nil, true},
		"post alone":                 {id, secret, []string{"client_secret_post"}, false},
		"post before basic":          {id, secret, []string{"client_secret_post", "client_secret_basic"}, true},
		"discovery says nothing":     {id, secret, []string{}, true},
		"public":                     {oidctest.PublicClient, "", nil, false},
		"public, basic is announced": {oidctest.PublicClient, "", []string{"client_secret_basic"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var options []oidctest.Option
			if c.methods != nil {
				options = append(options, oidctest.WithAuthMethods(c.methods...))
			}
			f := newFlow(t, func(config *core.Config) { config.ClientID, config.ClientSecret = c.id, c.secret }, options...)
			f.idp.AddClient(oidctest.Client{ID: c.id, Secret: c.secret})
			token := f.tokens("alice")
			flowGranted(t, f.post("token", url.Values{"refresh_token": {token.RefreshToken}}))
			asked := f.idp.Last(oidctest.Token)
			_, _, basic := (&http.Request{Header: asked.Header}).BasicAuth()
			if basic != c.basic || asked.Form.Has("client_id") == basic || asked.Form.Has("client_secret") != (!basic && c.secret != "") {
				t.Errorf("the provider got %v, %v", asked.Header["Authorization"], asked.Form)
			}
			if got := f.post("device", nil); got.Status != 200 {
				t.Errorf("device: %d %s", got.Status, got.Body)
			}
			if f.hits() != 2 || f.idp.Hits(oidctest.Device) != 1 {
				t.Errorf("2 tokens took %d requests", f.hits())
			}
		})
	}
	f := newFlow(t, func(c *core.Config) { c.ClientSecret = "another-secret-than-the-right-one" })
	flowRefused(t, "our own secret is wrong", f.post("token", f.loopback("alice")), 502, "server_error", "The OIDC provider refused this service's request.")
	if f.hits() != 1 {
		t.Errorf("the code was posted %d times", f.hits())
	}
}
