package contract

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// nothingUsable is the token route's answer to a body without a known field.
func nothingUsable() string { return invalid("Missing (device) code or refresh_token") }

func testForms(t *testing.T, a setup) {
	s := a.open(t, plan{})
	malformed := invalid("The request body is malformed.")
	tooLong := refused(http.StatusRequestEntityTooLarge, "invalid_request", "The request body is too long.")
	pad := func(size int) string { return "refresh-token=x&pad=" + strings.Repeat("y", size-20) }
	for name, test := range map[string]struct{ body, kind, want string }{
		"charset":             {"refresh-token=x", "application/x-www-form-urlencoded; charset=utf-8", s.refreshGone},
		"upper case":          {"refresh-token=x", "Application/X-WWW-Form-URLencoded", s.refreshGone},
		"escapes":             {"%72efresh%2Dtoken=%78+y&grant_type=refresh%5Ftoken", "application/x-www-form-urlencoded", s.bookGone},
		"broken escape":       {"refresh-token=%zz", "application/x-www-form-urlencoded", malformed},
		"cut escape":          {"refresh-token=x&a=%2", "application/x-www-form-urlencoded", malformed},
		"semicolon":           {"refresh-token=x;code=y", "application/x-www-form-urlencoded", malformed},
		"nothing":             {"", "application/x-www-form-urlencoded", nothingUsable()},
		"JSON":                {`{"refresh-token":"x"}`, "application/json", nothingUsable()},
		"no type":             {"refresh-token=x", "", nothingUsable()},
		"text":                {"refresh-token=x", "text/plain", nothingUsable()},
		"64 KB":               {pad(64 << 10), "application/x-www-form-urlencoded", s.refreshGone},
		"64 KB and a byte":    {pad(64<<10 + 1), "application/x-www-form-urlencoded", tooLong},
		"200 KB":              {pad(200 << 10), "application/x-www-form-urlencoded", tooLong},
		"multipart, no limit": {"--x\r\n", "multipart/form-data", malformed},
		"multipart, cut":      {"--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\ny", "multipart/form-data; boundary=x", malformed},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if test.kind != "" {
				headers = []string{"Content-Type: " + test.kind}
			}
			s := s.in(t)
			known := s.send(http.MethodPost, token, strings.NewReader(test.body), headers...)
			if a.Differences.ReadsMultipart && name == "multipart, cut" {
				known.hasStatus(http.StatusBadRequest)
			} else {
				known.is(test.want)
			}
			// The same without a Content-Length, as a chunked body.
			s.send(http.MethodPost, token, io.MultiReader(strings.NewReader(test.body)), headers...).is(test.want)
		})
	}
	t.Run("multipart", func(t *testing.T) { multipartForms(t, s) })
	t.Run("fields in the query", func(t *testing.T) {
		s.in(t).post(token+"?refresh-token=x&grant_type=refresh_token", nil).is(nothingUsable())
	})
	t.Run("values as they were", func(t *testing.T) { exactValues(t, s) })
}

func multipartForms(t *testing.T, s *site) {
	s = s.in(t)
	form := s.codeForm("alice")
	body, kind := multipartBody(t, form, false)
	s.send(http.MethodPost, token, bytes.NewReader(body), "Content-Type: "+kind).is(tokenAnswer())

	quoted := strings.NewReader("--a b:c\r\nContent-Disposition: form-data; name=refresh-token\r\n\r\nx\r\n--a b:c--\r\n")
	s.send(http.MethodPost, token, quoted, "Content-Type: multipart/form-data; boundary=\"a b:c\"").is(s.refreshGone)

	body, kind = multipartBody(t, url.Values{"refresh-token": {"x", "y"}}, false)
	s.send(http.MethodPost, token, bytes.NewReader(body), "Content-Type: "+kind).is(invalid("Parameter refresh-token is given more than once."))

	body, kind = multipartBody(t, url.Values{"refresh-token": {"x"}}, true)
	s.send(http.MethodPost, token, bytes.NewReader(body), "Content-Type: "+kind).is(invalid("The request body is malformed."))
}

func multipartBody(t *testing.T, form url.Values, withFile bool) (body []byte, kind string) {
	t.Helper()
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	for name, values := range form {
		for _, value := range values {
			if err := writer.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if withFile {
		part, err := writer.CreateFormFile("code", "code.txt")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes(), writer.FormDataContentType()
}

// exactValues: the provider gets what the client posted, byte for byte.
func exactValues(t *testing.T, s *site) {
	s = s.in(t)
	const odd = " a+b&c=d%e;ü\u0000\r\n'\"\\"
	s.post(token, url.Values{"device-code": {odd}}).is(spentGrant())
	if got := s.idp.Last("token").Form.Get("device_code"); got != odd {
		t.Errorf("the provider got %q", got)
	}
}

func testQueries(t *testing.T, a setup) {
	s := a.open(t, plan{config: func(cfg *core.Config) {
		cfg.RedirectURIs = []string{core.Loopback, "https://other.example.org/in?a=b&c=%20+d"}
	}})
	malformed := func(headers ...string) string {
		return refused(http.StatusBadRequest, "invalid_request", "The query string is malformed.", headers...)
	}
	for _, query := range []string{"?redirect_uri=%zz", "?redirect_uri=x&a=%2", "?redirect_uri=a;b", "?%=x"} {
		s.get(login + query).is(malformed())
		s.get(logout + query).is(malformed())
		s.get(callback + query).is(malformed(noReferrer))
		s.send(http.MethodPost, token+query, nil).is(malformed())
		s.get(userInfo+query, s.bearer("alice")).is(malformed())
	}
	tooLong := refused(http.StatusRequestURITooLong, "invalid_request", "The query string is too long.")
	s.get(login + "?redirect_uri=" + strings.Repeat("x", 16<<10)).is(tooLong)
	s.get(login + "?redirect_uri=" + strings.Repeat("x", 16<<10-13)).is(invalid("This redirect_uri is not allowed."))

	s.raw("GET " + login + "?&&redirect_uri=http%3a%2f%2F127.0.0.1:1%2fcallback&=&x HTTP/1.1").hasStatus(http.StatusFound)
	s.raw("GET " + login + "? HTTP/1.1").is(invalid("Missing redirect_uri"))
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	got := s.get(loginQuery("redirect_uri", "https://other.example.org/in?a=b&c=%20+d", "code_challenge", challenge, "code_challenge_method", "S256"))
	target, err := url.Parse(got.location())
	if err != nil || target.Query().Get("redirect_uri") != "https://other.example.org/in?a=b&c=%20+d" {
		t.Errorf("%s: %v", got.text(), err)
	}
}
