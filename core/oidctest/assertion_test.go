package oidctest

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// An assertion is for this provider alone, of the client's key, short-lived and good once.
func TestAssertions(t *testing.T) {
	p := NewProvider(t)
	private, err := jose.ParseKey(ClientKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.WrapSigner(private, "", "")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := jose.NewSigner(signer.ID, signer.Alg)
	if err != nil {
		t.Fatal(err)
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	try := func(signer *jose.Signer, change Claims, form url.Values) int {
		claims := Claims{"iss": KeyClient, "sub": KeyClient, "aud": p.Issuer(), "jti": randomHex(8), "exp": in(time.Minute)}
		maps.Copy(claims, change)
		all := url.Values{"token": {"x"}, "client_assertion_type": {assertionType}, "client_assertion": {mustSign(signer, "JWT", withoutNil(claims))}}
		for name, values := range form {
			all[name] = values
		}
		response, err := http.PostForm(p.URL(Revocation), all)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for name, c := range map[string]struct {
		signer *jose.Signer
		change Claims
		form   url.Values
		want   int
	}{
		"good":              {signer, nil, nil, 200},
		"with client_id":    {signer, nil, url.Values{"client_id": {KeyClient}}, 200},
		"another client_id": {signer, nil, url.Values{"client_id": {"app"}}, 401},
		"another key":       {stranger, nil, nil, 401},
		"another audience":  {signer, Claims{"aud": p.URL(Token)}, nil, 401},
		"two audiences":     {signer, Claims{"aud": []string{p.Issuer(), "https://other.example"}}, nil, 401},
		"expired":           {signer, Claims{"exp": in(-time.Second)}, nil, 401},
		"endless":           {signer, Claims{"exp": in(time.Hour)}, nil, 401},
		"no exp":            {signer, Claims{"exp": nil}, nil, 401},
		"no jti":            {signer, Claims{"jti": nil}, nil, 401},
		"another subject":   {signer, Claims{"sub": "app"}, nil, 401},
		"no client":         {signer, Claims{"iss": "nobody", "sub": "nobody"}, nil, 401},
		"a secret's client": {signer, Claims{"iss": "app", "sub": "app"}, nil, 401},
		"a secret too":      {signer, nil, url.Values{"client_secret": {"x"}}, 401},
		"another type":      {signer, nil, url.Values{"client_assertion_type": {"urn:x"}}, 401},
		"no JWT":            {signer, nil, url.Values{"client_assertion": {"x"}}, 401},
	} {
		if got := try(c.signer, c.change, c.form); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
	if first, again := try(signer, Claims{"jti": "once"}, nil), try(signer, Claims{"jti": "once"}, nil); first != 200 || again != 401 {
		t.Errorf("used twice: %d, %d", first, again)
	}
}
