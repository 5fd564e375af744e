package provider

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"golang.org/x/oauth2"
)

// Answer is an answer of the token endpoint with tokens. Read its other members with [Answer.Text] and [Answer.Number]: Extra returns none of
// them.
type Answer struct {
	*oauth2.Token

	members
}

// members are those of an answer.
type members struct {
	object  strictjson.Object
	seconds string // what counts as expires_in, in the place of its own text; "": that text
}

func (m *members) get(name string) (value string, ok bool) {
	if name == "expires_in" && m.seconds != "" {
		return m.seconds, true
	}
	return m.object.Get(name)
}

// Text returns a text of the answer. It returns "" if the member is absent or null, and false if it has another type.
func (a *Answer) Text(name string) (string, bool) {
	text, err := a.object.String(name)
	return text, err == nil
}

// Number returns a number of the answer, which may be a text. It returns 0 if the member is absent, null, or out of the range of float64,
// and false if it has another type.
func (a *Answer) Number(name string) (float64, bool) {
	raw, ok := a.get(name)
	if !ok {
		return 0, true
	}
	if raw[0] == '"' {
		text, err := strictjson.Text(raw)
		if err != nil {
			return 0, false
		}
		number, err := strconv.ParseFloat(text, 64)
		return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false
	}
	number, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return 0, true
	}
	return number, true
}

// standard are the members of an answer that x/oauth2 reads (RFC 6749 sections 5.1 and 5.2).
var standard = []string{"access_token", "token_type", "refresh_token", "expires_in", "error", "error_description", "error_uri"}

// essence is the transport of one call to the token endpoint. It keeps the object of the answer, and passes on the standard members alone:
// x/oauth2 reads each byte five times.
type essence struct {
	members

	base http.RoundTripper
}

// RoundTrip reads an answer that package fetch has bounded and vetted.
func (e *essence) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := e.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	vetted, err := fetch.VettedOf(response)
	if err != nil {
		return nil, err
	}
	if e.object = vetted.Object; !e.object.Exists() { // an empty body: x/oauth2 refuses it
		return response, nil
	}
	e.wholeSeconds()
	body := e.text()
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return response, nil
}

// text returns the standard members as JSON.
func (e *essence) text() string {
	var b strings.Builder
	size := 2
	for _, name := range standard {
		value, _ := e.get(name)
		size += len(name) + len(value) + len(`"":,`)
	}
	b.Grow(size)
	separator := byte('{')
	for _, name := range standard {
		value, ok := e.get(name)
		if !ok {
			continue
		}
		b.WriteByte(separator)
		b.WriteString(`"` + name + `":`)
		b.WriteString(value)
		separator = ','
	}
	if separator == '{' {
		return "{}"
	}
	b.WriteByte('}')
	return b.String()
}

// maxSeconds is the limit up to which float64 represents every integer. Larger values are not changed.
const maxSeconds = 1 << 53

// wholeSeconds truncates expires_in to an integer: RFC 6749 section 5.1 does not require one, but x/oauth2 refuses a fraction or an
// exponent. A value that is not a number is not changed, and x/oauth2 refuses it.
func (e *essence) wholeSeconds() {
	e.seconds = ""
	seconds, ok, err := e.object.Number("expires_in", true)
	if !ok || err != nil || math.Abs(seconds) > maxSeconds {
		return
	}
	e.seconds = strconv.FormatInt(int64(seconds), 10)
}
