package oidctest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

const faraway = "https://idp.example/realms/demo"

// fetch gets the whole answer of an address in memory.
func fetch(ctx context.Context, p *oidctest.Provider, address string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := p.Client().Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// A login, a refresh and a guard on the clock of a bubble, without a network: days take no time.
func TestWithoutNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutNetwork(faraway))
		if p.Issuer() != faraway || p.URL(oidctest.Token) != faraway+"/token" {
			t.Errorf("it is called %s, with tokens at %s", p.Issuer(), p.URL(oidctest.Token))
		}
		auth, err := core.New(p.Config())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = auth.Close() }()
		c := oauthClient(p, false)
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, p.Client())
		verifier := oauth2.GenerateVerifier()
		back, err := p.Approve(c.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier)), "alice")
		if err != nil {
			t.Fatal(err)
		}
		token, err := c.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		caller := core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token.AccessToken}}}
		if err := auth.Required().Admit(ctx, caller).Err; err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Hour)
		if auth.Required().Admit(ctx, caller).Err == nil {
			t.Error("a token of yesterday is good")
		}
		if _, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err != nil {
			t.Error(err)
		}
		if asked := p.Asked(oidctest.Token); len(asked) != 2 || asked[0].Form.Get("code_verifier") != verifier || asked[1].Form.Get("grant_type") != "refresh_token" {
			t.Errorf("the token endpoint was asked %v", asked)
		}
	})
}

func TestIssuersWithoutNetwork(t *testing.T) {
	for _, issuer := range []string{"idp.example", "ftp://idp.example", "https://", "https://idp.example/", "https://idp.example/a//b", "https://idp.example?x", "https://idp.example/#x", "https://a:b@idp.example", "https://idp.example/\x00"} {
		if p, err := oidctest.Start(oidctest.WithoutNetwork(issuer)); err == nil {
			t.Errorf("%q is %s", issuer, p.Issuer())
		}
	}
}

// The client also reaches a provider that listens, and no other host.
func TestClient(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	response, body, err := fetch(t.Context(), p, p.DiscoveryURL())
	if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/json" || !strings.Contains(string(body), p.Issuer()) {
		t.Errorf("%v %s", err, body)
	}
	for _, address := range []string{"https://evil.example/jwks", strings.Replace(p.DiscoveryURL(), "http:", "https:", 1)} {
		if _, _, err := fetch(t.Context(), p, address); err == nil {
			t.Errorf("%s answers", address)
		}
	}
	if got := p.Hits(oidctest.Elsewhere); got != 2 {
		t.Errorf("%d requests went elsewhere, want 2", got)
	}
}

// Each fault is the same in memory as over a connection.
func TestFaultsInMemory(t *testing.T) {
	text := func(status int, body string) oidctest.Fault {
		return oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body+r.Form.Get("q"))
		})
	}
	for name, c := range map[string]struct {
		fault  oidctest.Fault
		status int // 0: no answer
		whole  bool
		takes  time.Duration
	}{
		"none":         {oidctest.Fault{}, 200, true, 0},
		"refused":      {oidctest.Refused(), 0, false, 0},
		"cut":          {oidctest.Cut(), 0, false, 0},
		"cut halfway":  {oidctest.CutHalfway(), 200, false, 0},
		"hang":         {oidctest.Hang(), 0, false, time.Minute},
		"drip":         {oidctest.Drip(time.Second), 200, false, time.Minute},
		"slow":         {oidctest.Slow(5 * time.Second), 200, true, 5 * time.Second},
		"too slow":     {oidctest.Slow(2 * time.Minute), 0, false, time.Minute},
		"late":         {oidctest.Late(5 * time.Second), 200, true, 5 * time.Second},
		"a redirect":   {oidctest.Redirect(307), 404, true, 0},
		"status":       {oidctest.Status(503), 503, true, 0},
		"oversized":    {oidctest.Oversized(), 200, true, 0},
		"one's own":    {text(418, "tea"), 418, true, 0},
		"nothing said": {oidctest.Serve(func(http.ResponseWriter, *http.Request) {}), 200, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutNetwork(faraway))
				p.Fault(oidctest.Discovery, c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				response, _, err := fetch(ctx, p, p.DiscoveryURL()+"?q=!")
				switch {
				case (c.status == 0) != (response == nil), response != nil && response.StatusCode != c.status:
					t.Errorf("got %v, %v", response, err)
				case c.whole != (err == nil):
					t.Errorf("the answer ends with %v", err)
				case time.Since(start) != c.takes:
					t.Errorf("it took %s", time.Since(start))
				}
				if got := p.Hits(oidctest.Discovery); got != 1 {
					t.Errorf("%d hits", got)
				}
			})
		})
	}
}

// A code is not used if the client leaves a slow endpoint, and is used if it leaves a late one.
func TestSlowIsNotLate(t *testing.T) {
	for name, c := range map[string]struct {
		fault oidctest.Fault
		spent bool
	}{"slow": {oidctest.Slow(time.Minute), false}, "late": {oidctest.Late(time.Minute), true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutNetwork(faraway), oidctest.WithLifetimes(oidctest.Lifetimes{Code: time.Hour}))
				c2 := oauthClient(p, false)
				verifier := oauth2.GenerateVerifier()
				back, err := p.Approve(c2.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier)), "alice")
				if err != nil {
					t.Fatal(err)
				}
				client := context.WithValue(t.Context(), oauth2.HTTPClient, p.Client())
				p.Fault(oidctest.Token, c.fault)
				short, cancel := context.WithTimeout(client, time.Second)
				defer cancel()
				if _, err := c2.Exchange(short, back.Query().Get("code"), oauth2.VerifierOption(verifier)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				synctest.Wait() // the endpoint has noticed that the client has left
				p.Heal()
				_, err = c2.Exchange(client, back.Query().Get("code"), oauth2.VerifierOption(verifier))
				if (err != nil) != c.spent {
					t.Errorf("the code is spent: %v, want %t", err, c.spent)
				}
			})
		})
	}
}

// The provider keeps a limited number of requests.
func TestAskedIsBounded(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	for range 150 {
		if _, _, err := fetch(t.Context(), p, p.URL(oidctest.JWKS)+"?"+url.Values{"a": {"b"}}.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if asked := p.Asked(oidctest.JWKS); len(asked) != 100 || asked[0].Query.Get("a") != "b" || p.Hits(oidctest.JWKS) != 150 {
		t.Errorf("%d are kept of %d", len(asked), p.Hits(oidctest.JWKS))
	}
	if p.Asked(oidctest.Token) != nil || p.Last(oidctest.Token).Method != "" {
		t.Error("an endpoint that was never asked has requests")
	}
}
