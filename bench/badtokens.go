package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// badTokens returns tokens that must be refused, each for one reason.
func badTokens(k *key) (map[string]string, error) {
	other, err := newKey(k.alg)
	if err != nil {
		return nil, err
	}
	other.id = k.id
	good := keycloak(nil)
	parts := strings.Split(k.token(good), ".")
	now := time.Now().Unix()
	forged, err := hmacToken(k)
	if err != nil {
		return nil, err
	}
	critical := k.header()
	critical["crit"], critical["urn:example:must"] = []string{"urn:example:must"}, true
	return map[string]string{
		"another payload":        parts[0] + "." + encode([]byte(toJSON(keycloak(claims{"sub": "root"})))) + "." + parts[2],
		"another's key":          other.token(good),
		"alg none":               encode([]byte(`{"alg":"none","kid":"`+k.id+`"}`)) + "." + parts[1] + ".",
		"HS256 by public key":    forged,
		"expired":                k.token(keycloak(claims{"exp": now - 600})),
		"without exp":            k.token(keycloak(claims{"exp": nil})),
		"not yet valid":          k.token(keycloak(claims{"nbf": now + 600})),
		"another issuer":         k.token(keycloak(claims{"iss": "https://idp.example.net"})),
		"another audience":       k.token(keycloak(claims{"aud": "other", "azp": "other"})),
		"an ID token":            k.token(keycloak(claims{"typ": "ID", "nonce": "n"})),
		"unknown crit":           k.sign(critical, toJSON(good)),
		"sub twice":              k.sign(k.header(), strings.TrimSuffix(toJSON(good), "}")+`,"sub":"root"}`),
		"bound to a key (cnf)":   k.token(keycloak(claims{"cnf": claims{"jkt": "x"}})),
		"broken UTF-8 in a name": k.sign(k.header(), strings.Replace(toJSON(good), "Bergström", "Bergstr\xffm", 1)),
	}, nil
}

// hmacToken makes a token signed with the public key as an HMAC secret.
func hmacToken(k *key) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"HS256","kid":"`+k.id+`"}`)) + "." + encode([]byte(toJSON(keycloak(nil))))
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}

// badBrowsers returns headers of browsers that must be refused, each for one reason. The cookie is a handle and then a secret.
func badBrowsers(good http.Header) map[string]http.Header {
	cookie := good.Get("Cookie")
	start, end := strings.IndexByte(cookie, '=')+1, len(cookie)-1
	changed := func(name, value string) http.Header {
		header := good.Clone()
		header.Set(name, value)
		return header
	}
	without := good.Clone()
	without.Del("Cookie")
	return map[string]http.Header{
		"another handle":      changed("Cookie", cookie[:start]+another(cookie[start])+cookie[start+1:]),
		"another secret":      changed("Cookie", cookie[:end]+another(cookie[end])),
		"half a cookie":       changed("Cookie", cookie[:(start+end)/2]),
		"two cookies":         changed("Cookie", cookie+"; "+cookie),
		"no cookie":           without,
		"another site's page": changed("Origin", "https://attacker.example"),
	}
}

// another returns another character of base64url.
func another(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

// accepted lists the bad tokens, or requests, that a candidate accepts. It returns an error if the candidate refuses the good one.
func accepted[T any](name string, good T, bad map[string]T, prepare func(T) func() error) ([]string, error) {
	if err := prepare(good)(); err != nil {
		return nil, fmt.Errorf("%s refuses the good one: %w", name, err)
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(bad)), func(kind string) bool { return prepare(bad[kind])() != nil }), nil
}

// listed formats a table cell with the accepted tokens.
func listed(kinds []string) string {
	if len(kinds) == 0 {
		return "none"
	}
	return strings.Join(kinds, ", ")
}
