package provider

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// maxSeconds is the limit up to which float64 represents every integer. Larger values are not changed.
const maxSeconds = 1 << 53

// wholeSeconds truncates expires_in of a token answer to an integer. RFC 6749 section 5.1 does not require an integer, but
// x/oauth2 refuses a fraction or an exponent. A value that is not a number is not changed, and x/oauth2 refuses it.
type wholeSeconds struct{ base http.RoundTripper }

func withWholeSeconds(client *http.Client) *http.Client {
	own := *client
	own.Transport = wholeSeconds{client.Transport}
	return &own
}

// RoundTrip reads an answer that package fetch has bounded and vetted.
func (w wholeSeconds) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	body = roundSeconds(body)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

func roundSeconds(body []byte) []byte {
	object, err := strictjson.Parse(string(body))
	if err != nil { // an empty body
		return body
	}
	seconds, ok, err := object.Number("expires_in", true)
	if !ok || err != nil || math.Abs(seconds) > maxSeconds {
		return body
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return body
	}
	members["expires_in"] = strconv.AppendInt(nil, int64(seconds), 10)
	whole, err := json.Marshal(members)
	if err != nil {
		return body
	}
	return whole
}
