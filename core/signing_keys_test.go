package core_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The keys are public and verify the tokens of the service.
func TestBrokerPublishesKeys(t *testing.T) {
	f := newFlow(t, brokered(byDefault))
	token := f.tokens("alice")
	answer := f.get("jwks", nil)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(answer.Body, &set); err != nil || answer.Status != http.StatusOK || len(set.Keys) != 1 {
		t.Fatalf("got %d %s", answer.Status, answer.Body)
	}
	header, _ := unpack(t, token.AccessToken)
	key := set.Keys[0]
	if key["kty"] != "RSA" || key["kid"] != header["kid"] || key["use"] != "sig" || key["alg"] != "RS256" || key["e"] != "AQAB" || len(key) != 6 {
		t.Errorf("got %v", key)
	}
	if err := f.auth.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(f.get("jwks", nil).Body, &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("after the rotation: %v, %v", set, err)
	}
	if err := f.auth.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// published returns the kids of the keys that a service publishes.
func (f *flowService) published() []string {
	f.t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	answer := f.get("jwks", nil)
	if err := json.Unmarshal(answer.Body, &set); err != nil || answer.Status != 200 {
		f.t.Fatalf("jwks: %d %s", answer.Status, answer.Body)
	}
	var kids []string
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}

func kidIn(t testing.TB, token string) string {
	t.Helper()
	header, _ := unpack(t, token)
	return header["kid"].(string)
}

// byDefault leaves the algorithm of own tokens to the library.
func byDefault(c *core.Config) { c.Broker.SigningAlgorithm = "" }

// Ten instances that start at the same time make one key, and a rotation on several at once makes one more. It is published
// before it signs, signs on every instance after ten minutes, and the old key is removed after its last token has expired.
func TestBrokerKeyLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		services := make([]*flowService, 10)
		for i := range services {
			services[i] = b.serve(byDefault)
		}
		everywhere := func(do func(*flowService)) {
			var wg sync.WaitGroup
			for _, f := range services {
				wg.Go(func() { do(f) })
			}
			wg.Wait()
		}
		everywhere(func(f *flowService) {
			if err := f.auth.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
		first := services[0].published()
		everywhere(func(f *flowService) {
			if kids := f.published(); len(kids) != 1 || kids[0] != first[0] {
				t.Errorf("%v, not %v", kids, first)
			}
		})
		for _, f := range services[4:] { // four are enough from here on
			_ = f.auth.Close()
		}
		services = services[:4]
		time.Sleep(time.Minute)
		everywhere(func(f *flowService) {
			if err := f.auth.RotateKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(61 * time.Second)
		both := services[0].published()
		everywhere(func(f *flowService) {
			if kids := f.published(); len(kids) != 2 || !slices.Equal(kids, both) {
				t.Errorf("after the rotation: %v, not %v", kids, both)
			}
			if err := f.auth.RotateKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(8*time.Minute - 5*time.Second)
		old := services[1].begun()
		if kidIn(t, old.AccessToken) != first[0] {
			t.Error("the new key signs before ten minutes are over")
		}
		time.Sleep(3 * time.Minute)
		new := services[2].begun()
		if kid := kidIn(t, new.AccessToken); kid == first[0] || !slices.Contains(both, kid) {
			t.Errorf("%s signs after the notice", kid)
		}
		everywhere(func(f *flowService) {
			if f.status(new.AccessToken) != 200 || f.status(old.AccessToken) != 200 {
				t.Error("not verified everywhere")
			}
		})
		time.Sleep(untilEnd(old) - time.Second)
		everywhere(func(f *flowService) {
			if f.status(old.AccessToken) != 200 || !slices.Contains(f.published(), first[0]) {
				t.Error("the old key went before its last token")
			}
		})
		time.Sleep(10 * time.Minute)
		everywhere(func(f *flowService) {
			if kids := f.published(); len(kids) != 1 || kids[0] == first[0] {
				t.Errorf("published at the end: %v", kids)
			}
		})
	})
}

// An instance that could not read the store during a rotation signs no token that others refuse.
func TestBrokerSignsNothingWithOldRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		away := &flawedStore{Store: b.store}
		here, cut := b.serve(byDefault), b.serve(byDefault, func(c *core.Config) { c.Store = away })
		cut.begun()
		away.down(true)
		if err := here.auth.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		if answer := cut.exchange(b.token(), nil); answer.Status == 200 {
			if status := here.status(flowGranted(t, answer).AccessToken); status != 200 {
				t.Errorf("it signed with a key that is gone elsewhere: %d", status)
			}
		}
		away.down(false)
		time.Sleep(5 * time.Second)
		here.who(flowGranted(t, cut.exchange(b.token(), nil)).AccessToken)
	})
}

// The key of a Python deployment keeps its kid, in both forms of PEM, and its tokens are accepted until they expire. It signs
// only if the ring is empty, and verifies for 31 days, also after a rotation.
func TestBrokerImportsKey(t *testing.T) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(sharedKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"PKCS#1": sharedPEM(), "PKCS#8": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		for _, first := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				kid := kidOf(sharedKey())
				if !first {
					before := b.serve(byDefault)
					before.begun()
					_ = before.auth.Close()
				}
				f := b.serve(byDefault, func(c *core.Config) { c.Broker.ImportKey = text })
				if signs := kidIn(t, f.begun().AccessToken); (signs == kid) != first {
					t.Errorf("%s: %s signs, imported is %s", name, signs, kid)
				}
				python := rsaToken(t, sharedKey(), kid, pythonClaims(bubbleIssuer, bubbleIssuer, claims{"exp": time.Now().Add(26 * time.Hour).Unix()}))
				if caller := f.who(python); caller.Subject() != "alice" || !slices.Contains(caller.Roles(), "admin") || caller.Email() != "" {
					t.Errorf("%s %v", caller, caller.Roles())
				}
				if err := f.auth.RotateKey(t.Context()); err != nil {
					t.Fatal(err)
				}
				_ = f.auth.Close()
				time.Sleep(25 * time.Hour)
				later := b.serve(byDefault)
				later.who(python)
				_ = later.auth.Close()
				time.Sleep(29 * 24 * time.Hour)
				later = b.serve(byDefault)
				python = rsaToken(t, sharedKey(), kid, pythonClaims(bubbleIssuer, bubbleIssuer, claims{"exp": time.Now().Add(30 * 24 * time.Hour).Unix()}))
				later.who(python)
				_ = later.auth.Close()
				time.Sleep(2 * 24 * time.Hour)
				later = b.serve(byDefault)
				if status := later.status(python); status != 401 {
					t.Errorf("after 31 days: %d", status)
				}
			})
		}
	}
}

// A withdrawn key verifies nothing, here at once and on other instances within a minute, even tokens that are cached; another
// key signs, and the sessions continue.
func TestBrokerWithdrawKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(importing), b.serve(importing)
		token := here.begun()
		kid := kidIn(t, token.AccessToken)
		here.who(token.AccessToken)
		there.who(token.AccessToken)
		if err := here.auth.WithdrawKey(t.Context(), "nobody's"); err == nil {
			t.Error("an unknown key was withdrawn")
		}
		for range 2 {
			if err := here.auth.WithdrawKey(t.Context(), kid); err != nil {
				t.Fatal(err)
			}
		}
		if here.status(token.AccessToken) != 401 || slices.Contains(here.published(), kid) || len(here.published()) != 1 {
			t.Errorf("here: %d, published %v", here.status(token.AccessToken), here.published())
		}
		next := flowGranted(t, here.refresh(token.RefreshToken))
		here.who(next.AccessToken)
		there.who(next.AccessToken)
		time.Sleep(61 * time.Second)
		if there.status(token.AccessToken) != 401 || slices.Contains(there.published(), kid) {
			t.Errorf("there: %d, published %v", there.status(token.AccessToken), there.published())
		}
		forged := rsaToken(t, sharedKey(), kid, pythonClaims(bubbleIssuer, bubbleIssuer))
		for _, f := range []*flowService{here, there, b.serve(importing)} {
			if status := f.status(forged); status != 401 {
				t.Errorf("a forged token: %d", status)
			}
			if signs := kidIn(t, f.begun().AccessToken); signs == kid {
				t.Error("it signs")
			}
		}
	})
}

// RotateKey returns the error of the store.
func TestBrokerRotateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		f.begun()
		b.store.breaks(failing("AddKey"))
		if err := f.auth.RotateKey(t.Context()); err == nil {
			t.Error("no error")
		}
		b.store.breaks(nil)
		if err := f.auth.RotateKey(t.Context()); err != nil || len(f.published()) != 2 {
			t.Errorf("%v, %v", err, f.published())
		}
	})
}

// Anything but an RSA key of at least 2048 bits is an error of the configuration, which does not contain the key.
func TestBrokerImportFaults(t *testing.T) {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := x509.MarshalECPrivateKey(elliptic)
	if err != nil {
		t.Fatal(err)
	}
	ec8, err := x509.MarshalPKCS8PrivateKey(elliptic)
	if err != nil {
		t.Fatal(err)
	}
	//nolint:staticcheck // keys of this kind may still be in use
	encrypted, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(sharedKey()), []byte("x"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(sharedKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	weak := x509.MarshalPKCS1PrivateKey(mustRSA(1024))
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, text := range map[string][]byte{
		"EC": block("EC PRIVATE KEY", ec), "EC in PKCS#8": block("PRIVATE KEY", ec8), "encrypted": pem.EncodeToMemory(encrypted), "public": block("PUBLIC KEY", public),
		"1024 bits": block("RSA PRIVATE KEY", weak), "no PEM": []byte("MIIEowIBAAKCAQEA"), "empty": {}, "DER": x509.MarshalPKCS1PrivateKey(sharedKey()), "cut": sharedPEM()[:900],
		"encrypted PKCS#8": block("ENCRYPTED PRIVATE KEY", ec8), "a path": []byte("/etc/key.pem"),
	} {
		config := newIDP(t).config()
		brokered(func(c *core.Config) { c.Broker.ImportKey = text })(&config)
		_, err := core.New(config)
		if err == nil || !strings.Contains(err.Error(), "Config.Broker.ImportKey") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, line := range strings.Fields(string(text)) {
			if len(line) > 10 && strings.Contains(err.Error(), line) {
				t.Errorf("%s: the error holds the key: %v", name, err)
			}
		}
	}
}
