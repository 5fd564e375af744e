package core_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// pythonClient sends what py-oidc-auth-client sends, byte for byte where it matters, to a server on a port.
type pythonClient struct {
	t    *testing.T
	host string
}

func newPythonClient(t *testing.T, f *flowService) *pythonClient {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range f.routes {
		mux.Handle(route.Method+" /api"+route.Path, route)
	}
	mux.Handle("GET /api/protected", f.auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, core.IDTokenFrom(r.Context()).Subject())
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &pythonClient{t, server.URL + "/api"}
}

// send sends one request; the client does not follow redirects of its POSTs.
func (c *pythonClient) send(method, path, body, authorization string) (int, http.Header, string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.host+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Accept", "*/*")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Connection", "close")
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// post sends a request whose answer must be a JSON object.
func (c *pythonClient) post(path, body string) (int, map[string]any) {
	c.t.Helper()
	status, _, text := c.send(http.MethodPost, path, body, "")
	var members map[string]any
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		c.t.Fatalf("the client stops at %d %s", status, text)
	}
	return status, members
}

// token reads a token answer like the client.
func (c *pythonClient) token(status int, members map[string]any) (refresh, authorization string) {
	c.t.Helper()
	access, _ := members["access_token"].(string)
	kind, _ := members["token_type"].(string)
	refresh, _ = members["refresh_token"].(string)
	expires, _ := members["expires"].(float64)
	refreshExpires, _ := members["refresh_expires"].(float64)
	_, scoped := members["scope"].(string)
	now := float64(time.Now().Unix())
	if status != 200 || access == "" || kind != "Bearer" || expires <= now+60 || refresh != "" && refreshExpires <= now+60 || !scoped {
		c.t.Fatalf("the client cannot use %d %v", status, members)
	}
	return refresh, kind + " " + access
}

func (c *pythonClient) wantProtected(authorization string) {
	c.t.Helper()
	if status, _, text := c.send(http.MethodGet, "/protected", "", authorization); status != 200 || text != "alice" {
		c.t.Errorf("the protected route: %d %s", status, text)
	}
}

// browse opens the login URL in a browser and returns what arrives at the client's port: code and code_verifier.
func (c *pythonClient) browse(f *flowService, port string) (code, verifier string) {
	c.t.Helper()
	status, header, _ := c.send(http.MethodGet, "/auth/v2/login?redirect_uri=http%3A%2F%2Flocalhost%3A"+port+"%2Fcallback&offline_access=true&prompt=consent", "", "")
	if status != http.StatusFound || len(header["Set-Cookie"]) > 0 {
		c.t.Fatalf("login: %d %v", status, header)
	}
	back, err := f.idp.Approve(header.Get("Location"), "alice")
	if err != nil {
		c.t.Fatal(err)
	}
	if back.Host != "localhost:"+port || back.Path != "/callback" {
		c.t.Fatalf("the browser arrives at %s", back)
	}
	state := back.Query().Get("state")
	return back.Query().Get("code"), state[strings.LastIndexByte(state, '|')+1:]
}

// Device login, polling, refresh, use.
func TestPythonClientDeviceFlow(t *testing.T) {
	for name, public := range map[string]bool{"confidential": false, "public": true} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, flowPublic(public), oidctest.WithRefreshExpiresIn(0), oidctest.WithLowerCaseType())
			c := newPythonClient(t, f)
			status, start := c.post("/auth/v2/device", "")
			for _, member := range []string{"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"} {
				if _, there := start[member]; !there || status != 200 {
					t.Fatalf("device: %d %v", status, start)
				}
			}
			poll := url.Values{"device-code": {start["device_code"].(string)}}.Encode()
			if status, refusal := c.post("/auth/v2/token", poll); status != 400 || refusal["error"] != "authorization_pending" {
				t.Errorf("the code of the refusal: %d %v", status, refusal)
			}
			if status, refusal := c.post("/auth/v2/token", poll); status != 400 || refusal["error"] != "slow_down" {
				t.Errorf("the code of the refusal: %d %v", status, refusal)
			}
			if err := f.idp.ApproveDevice(start["user_code"].(string), "alice"); err != nil {
				t.Fatal(err)
			}
			refresh, authorization := c.token(c.post("/auth/v2/token", poll))
			if !public { // the tokens of the public client name it as their audience
				c.wantProtected(authorization)
			}
			next, _ := c.token(c.post("/auth/v2/token", url.Values{"refresh-token": {refresh}}.Encode()))
			if next == refresh {
				t.Error("the refresh token did not rotate")
			}
			if status, _ := c.post("/auth/v2/token", url.Values{"refresh-token": {refresh}}.Encode()); status != 400 {
				t.Errorf("a spent refresh token: %d", status)
			}
		})
	}
}

// No device flow, then the code flow; the whole state is the verifier.
func TestPythonClientCodeFlow(t *testing.T) {
	f := newFlow(t, nil, oidctest.WithoutDeviceFlow())
	c := newPythonClient(t, f)
	if status, refusal := c.post("/auth/v2/device", ""); status != 503 || refusal["error"] != nil {
		t.Errorf("without a device flow: %d %v", status, refusal)
	}
	for _, port := range []string{"53100", "53105", "8000"} {
		code, verifier := c.browse(f, port)
		form := "code=" + url.QueryEscape(code) + "&redirect_uri=http%3A%2F%2Flocalhost%3A" + port + "%2Fcallback&grant_type=authorization_code&code_verifier=" + url.QueryEscape(verifier)
		refresh, authorization := c.token(c.post("/auth/v2/token", form))
		c.wantProtected(authorization)
		if status, refusal := c.post("/auth/v2/token", form); status != 400 || refusal["error"] == nil {
			t.Errorf("the same again: %d %v", status, refusal)
		}
		c.token(c.post("/auth/v2/token", "refresh-token="+refresh))
	}
}

// Answers that end polling, and answers that must not.
func TestPythonClientPolling(t *testing.T) {
	f := newFlow(t, nil)
	c := newPythonClient(t, f)
	_, start := c.post("/auth/v2/device", "")
	poll := url.Values{"device-code": {start["device_code"].(string)}}.Encode()
	for name, fault := range map[string]struct {
		fault oidctest.Fault
		final bool
	}{
		"provider down": {oidctest.Refused(), false}, "500": {oidctest.Status(500), false}, "429": {oidctest.Status(429), false}, "503 HTML": {oidctest.HTML(503), false},
		"our client is refused": {oidctest.ErrorCode(401, "invalid_client"), true}, "nonsense": {oidctest.HTML(200), true},
	} {
		f.idp.Fault(oidctest.Token, fault.fault)
		status, refusal := c.post("/auth/v2/token", poll)
		if _, isText := refusal["detail"].(string); status < 400 || !isText {
			t.Errorf("%s: %d %v", name, status, refusal)
		}
		if final := refusal["error"] != nil; final != fault.final || final && status == http.StatusServiceUnavailable {
			t.Errorf("%s: %d %v", name, status, refusal)
		}
	}
	f.idp.Heal()
	if err := f.idp.DenyDevice(start["user_code"].(string)); err != nil {
		t.Fatal(err)
	}
	if status, refusal := c.post("/auth/v2/token", poll); status != 400 || refusal["error"] != "access_denied" || !strings.HasPrefix(refusal["detail"].(string), "access_denied") {
		t.Errorf("the code of the refusal: %d %v", status, refusal)
	}
}

// The client itself answers a request without a code. A code that somebody else delivers to its port is refused with the state of
// another login.
func TestPythonClientAndAForeignCode(t *testing.T) {
	f := newFlow(t, nil)
	c := newPythonClient(t, f)
	_, ours := c.browse(f, "53100")
	foreign, _ := c.browse(f, "53100")
	form := url.Values{"code": {foreign}, "redirect_uri": {flowRedirect}, "code_verifier": {ours}}
	if status, refusal := c.post("/auth/v2/token", form.Encode()); status != 400 || refusal["error"] != "invalid_grant" {
		t.Errorf("a foreign code: %d %v", status, refusal)
	}
}
