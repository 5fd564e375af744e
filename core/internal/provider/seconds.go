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

// maxSeconds is where whole numbers of a float64 end. Beyond it nothing is changed.
const maxSeconds = 1 << 53

// wholeSeconds makes expires_in of a token answer a whole number. RFC 6749 section 5.1 does not say that it is one, and
// x/oauth2 refuses an answer where it has a fraction or an exponent. The fraction is cut off. What is no number stays, and is refused by x/oauth2.
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
	if err != nil { // an empty one
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
