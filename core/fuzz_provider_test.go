package core_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// fuzzProvider is a provider whose answers a fuzz target can replace. By default it works and has all endpoints.
type fuzzProvider struct {
	mu      sync.Mutex
	answers map[string]fuzzAnswer // by the last element of the path
	asked   []string
}

type fuzzAnswer struct {
	status      int
	contentType string
	body        string
}

func (p *fuzzProvider) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.ReadAll(r.Body) // other tests check the request
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.URL.String())
	answer, ok := p.answers[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
	if !ok {
		answer = fuzzAnswer{200, "application/json", toJSON(claims{"keys": []any{publicJWK("k1")}, "request_uri": "urn:pushed:1", "expires_in": 60})} // of keys and of pushed requests
	}
	return &http.Response{StatusCode: answer.status, Header: http.Header{"Content-Type": {answer.contentType}}, Body: io.NopCloser(strings.NewReader(answer.body))}, nil
}

func (p *fuzzProvider) set(path string, answer fuzzAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

func (p *fuzzProvider) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// fuzzMetadata has a different path for every endpoint.
func fuzzMetadata() string {
	document := claims{"issuer": issuer, "jwks_uri": issuer + "/keys"}
	for _, name := range []string{"authorization", "token", "device_authorization", "userinfo", "end_session", "revocation"} {
		document[name+"_endpoint"] = issuer + "/" + name
	}
	return toJSON(document)
}

// fuzzService makes a service with such a provider, which has this discovery document.
func fuzzService(t testing.TB, discovery string) (*flowService, *fuzzProvider) {
	t.Helper()
	provider := &fuzzProvider{answers: map[string]fuzzAnswer{"openid-configuration": {200, "application/json", discovery}}}
	return flowServe(t, (&memoryIDP{t: t}).config(), provider, nil), provider
}

// seeds lists documents like those of real providers.
func seeds(f testing.TB, kind string) (list []string) {
	f.Helper()
	names, err := filepath.Glob("testdata/seeds/*." + kind + ".json")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

// fuzzToken returns a valid token that is the same in every process.
func fuzzToken(changes ...claims) string {
	payload := claims{"iss": issuer, "sub": "alice", "aud": clientID, "exp": 4102444800, "iat": 1}
	for _, change := range changes {
		for name, value := range change {
			payload[name] = value
		}
	}
	return (&memoryIDP{}).sign("k1", goodHeader, toJSON(payload))
}

// fuzzStatus checks the status of a failure: it must blame the caller or the provider, never this service.
func fuzzStatus(t *testing.T, what string, answer *core.Response) {
	t.Helper()
	if answer.Status < 400 || answer.Status > 599 || answer.Status == 500 || !json.Valid(answer.Body) {
		t.Errorf("%s: %d %s %v", what, answer.Status, answer.Body, answer.Header)
	}
}

// The seeds of the targets are valid: a login starts with each of them.
func TestDocumentsOfProviders(t *testing.T) {
	for _, document := range seeds(t, "discovery") {
		service, _ := fuzzService(t, document)
		target, _ := service.login(url.Values{"redirect_uri": {flowRedirect}})
		if target.Host != "idp.example" {
			t.Errorf("a login goes to %s by %s", target, document)
		}
		if _, err := service.admit(fuzzToken()); err != nil && !strings.Contains(document, `"issuer": "`+issuer+`/"`) {
			t.Errorf("%v by %s", err, document)
		}
	}
}

// FuzzDiscovery: with any discovery document, a login goes only to the endpoint that encoding/json reads, over https and for the
// configured issuer, and nothing is fetched from an address that is not https.
func FuzzDiscovery(f *testing.F) {
	for _, document := range seeds(f, "discovery") {
		f.Add(document)
	}
	f.Add(fuzzMetadata())
	f.Add(strings.Replace(fuzzMetadata(), "https://idp.example/realm/keys", "http://evil.example/keys", 1))
	f.Add(`{"issuer":"` + issuer + `","jwks_uri":"https://a/k","Issuer":"https://evil.example"}`)
	f.Add(strings.Replace(fuzzMetadata(), `"issuer":"`+issuer+`"`, `"issuer":"https://evil.example"`, 1))
	f.Add(strings.Replace(fuzzMetadata(), issuer+"/authorization", "http://evil.example/authorization", 1))
	token := fuzzToken()
	f.Fuzz(func(t *testing.T, document string) {
		service, provider := fuzzService(t, document)
		login := service.routes["login"].Serve(t.Context(), core.ParseRequest("GET", "", url.Values{"redirect_uri": {flowRedirect}}.Encode(), nil, nil))
		_, err := service.admit(token)
		var refusal *core.Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Status != 401 && refusal.Status != 503) {
			t.Errorf("a guard: %v", err)
		}
		for _, address := range provider.take() {
			if !strings.HasPrefix(address, "https://") {
				t.Errorf("asked %s", address)
			}
		}
		var read map[string]any
		_ = json.Unmarshal([]byte(document), &read) // invalid JSON has no members
		if named, _ := read["issuer"].(string); named != issuer && named != issuer+"/" && (err == nil || login.Status < 400) {
			t.Errorf("an issuer %q: %d, %v", named, login.Status, err)
		}
		if login.Status != http.StatusFound {
			fuzzStatus(t, "login", login)
			return
		}
		address, _ := read["authorization_endpoint"].(string)
		if got := login.Header.Get("Location"); address == "" || !strings.HasPrefix(got, address) || !strings.HasPrefix(got, "https://") {
			t.Errorf("a login goes to %q, the document says %q", got, address)
		}
	})
}

// FuzzKeyDocument: with any key set document, a guard accepts a token only if its key is in the document.
func FuzzKeyDocument(f *testing.F) {
	for _, document := range seeds(f, "keys") {
		f.Add(document)
	}
	f.Add(toJSON(claims{"keys": []any{publicJWK("k1")}}))
	f.Add(toJSON(claims{"keys": []any{publicJWK("k2"), claims{"kty": "oct", "kid": "k1", "k": "AAAA"}, 1, nil}}))
	token, number := fuzzToken(), publicJWK("k1")["x"].(string)
	f.Fuzz(func(t *testing.T, document string) {
		service, provider := fuzzService(t, fuzzMetadata())
		provider.set("keys", fuzzAnswer{200, "application/json", document})
		_, err := service.admit(token)
		var refusal *core.Error
		switch {
		case err == nil && !hasKey(document, number):
			t.Errorf("accepted by %s", document)
		case err != nil && (!errors.As(err, &refusal) || refusal.Status != 401 && refusal.Status != 503):
			t.Errorf("got %v", err)
		}
	})
}

// hasKey reports whether the document has this Ed25519 key, in any spelling.
func hasKey(document, number string) bool {
	var set struct{ Keys []json.RawMessage }
	if json.Unmarshal([]byte(document), &set) != nil {
		return false
	}
	want, _ := base64.RawURLEncoding.DecodeString(number) // always valid
	for _, entry := range set.Keys {
		var key struct{ Kty, Crv, Kid, X string }
		if json.Unmarshal(entry, &key) != nil || key.Kty != "OKP" || key.Crv != "Ed25519" || key.Kid != "k1" {
			continue
		}
		got, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(key.X))
		if err == nil && string(got) == string(want) {
			return true
		}
	}
	return false
}
