package core_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// remote is a store that is not local, as a database is.
type remote struct{ store.Store }

// Mistakes with the store and between replicas are found.
func TestDoctorExaminesTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, db *flawedStore, f *flowService)
		mistake
	}{
		"good": {nil, mistake{check: "store", level: core.FindingOK, text: "answers"}},
		"down": {func(_ *testing.T, db *flawedStore, _ *flowService) { db.down(true) },
			mistake{check: "store", level: core.FindingWrong, text: "the store is out of reach): correct Config.StoreURL"}},
		"down later": {func(t *testing.T, db *flawedStore, f *flowService) { ready(t, f); db.down(true) },
			mistake{check: "store", level: core.FindingWrong, text: "the store is out of reach): sessions and signing keys"}},
		"list is down": {func(_ *testing.T, db *flawedStore, _ *flowService) { db.breaks(failing("Revoked")) },
			mistake{check: "store", level: core.FindingWrong, text: "out of reach"}},
		"no key yet": {nil, mistake{check: "secret keys", level: core.FindingOK, text: "fingerprints"}},
		"same keys":  {func(t *testing.T, db *flawedStore, f *flowService) { ready(t, f) }, mistake{check: "secret keys", level: core.FindingOK, text: "open with these"}},
		"other keys": {func(t *testing.T, db *flawedStore, f *flowService) {
			ready(t, flowOver(t, f.idp, func(c *core.Config) {
				brokered()(c)
				c.Store, c.SecretKeys = db, []string{"another secret of at least thirty-two bytes"}
			}))
		}, mistake{check: "secret keys", level: core.FindingWrong, text: "was encrypted with other SecretKeys", line: `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`}},
		"other address": {func(t *testing.T, db *flawedStore, f *flowService) {
			ready(t, flowOver(t, f.idp, func(c *core.Config) { brokered(onPublic)(c); c.Store = db }))
		}, mistake{check: "secret keys", level: core.FindingWrong, text: "PublicURL", line: `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`}},
		"other algorithm": {func(t *testing.T, db *flawedStore, f *flowService) {
			ready(t, flowOver(t, f.idp, func(c *core.Config) { brokered(signing("EdDSA"))(c); c.Store = db }))
		}, mistake{check: "signing algorithm", level: core.FindingNote, text: "is one for EdDSA, and Broker.SigningAlgorithm is RS256", line: `SigningAlgorithm: "EdDSA",`}},
		"clock of a logout": {func(t *testing.T, db *flawedStore, _ *flowService) {
			now := time.Now().Truncate(time.Second).Add(5 * time.Minute)
			if err := db.Revoke(t.Context(), "x", 0, now, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}, mistake{check: "store clock", level: core.FindingWrong, text: "ahead of this one", line: "timedatectl set-ntp true"}},
		"clock of a key": {func(t *testing.T, db *flawedStore, f *flowService) {
			ready(t, f)
			if err := db.AddKey(t.Context(), store.Key{ID: "x", Generation: 2, Sealed: []byte("withdrawn"), From: time.Now().Truncate(time.Second).Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}, mistake{check: "store clock", level: core.FindingWrong, text: "ahead of this one", line: "timedatectl set-ntp true"}},
		"clock is good": {func(t *testing.T, db *flawedStore, f *flowService) {
			ready(t, f)
			if err := f.auth.RotateKey(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, mistake{check: "store clock", level: core.FindingOK, text: "No time"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := &flawedStore{Store: store.NewMemory()}
			f := newFlow(t, func(c *core.Config) { brokered(signing("RS256"))(c); c.Store = db })
			if c.spoil != nil {
				c.spoil(t, db, f)
			}
			list := f.auth.Doctor(t.Context())
			if !c.has(list) {
				t.Errorf("got %+v", list)
			}
			if len(found(list, "discovery", core.FindingOK)) == 0 {
				t.Errorf("other checks are missing: %+v", list)
			}
		})
	}
}

func ready(t *testing.T, f *flowService) {
	t.Helper()
	if err := f.auth.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Doctor says which store replicas cannot share, and prints the same fingerprint for the same keys.
func TestDoctorComparesReplicas(t *testing.T) {
	const line = `StoreURL: os.Getenv("STORE_URL"),`
	memory := newFlow(t, withSessions(nil))
	want := mistake{check: "store", level: core.FindingNote, text: "in memory", line: line}
	if list := memory.auth.Doctor(t.Context()); !want.has(list) {
		t.Errorf("got %+v", list)
	}
	db := &remote{store.NewMemory()}
	print := func(keys ...string) string {
		f := newFlow(t, withSessions(func(c *core.Config) { c.Store, c.SecretKeys = db, keys }))
		list := found(f.auth.Doctor(t.Context()), "secret keys", core.FindingOK)
		if len(list) != 1 || len(found(f.auth.Doctor(t.Context()), "store", core.FindingNote)) > 0 {
			t.Fatalf("got %+v", list)
		}
		return list[0].Text
	}
	one, other := "a first secret of at least thirty-two bytes", "a second secret of at least thirty-two bytes"
	if first, again := print(one), print(one); first != again || first == print(other) || !strings.Contains(print(one, other), ", ") {
		t.Error("the fingerprints do not tell keys apart")
	}
}

// Doctor reads: it makes no table, no key, no session and no login, and tells neither log nor Observer of its requests.
func TestDoctorChangesNothing(t *testing.T) {
	for name, mode := range map[string]func(*core.Config){"broker": brokered(), "sessions": withSessions(nil)} {
		db, calls := &flawedStore{Store: store.NewMemory()}, 0
		f := newFlow(t, func(c *core.Config) {
			mode(c)
			c.Store = db
			c.Observe = core.ObserveFunc(func(core.Event) { calls++ })
		})
		db.breaks(nil)
		before := f.traffic.logs.String()
		f.auth.Doctor(t.Context())
		if after := f.traffic.logs.String(); after != before {
			t.Errorf("%s: logged %s", name, strings.TrimPrefix(after, before))
		}
		if calls > 0 {
			t.Errorf("%s: %d calls of Observe", name, calls)
		}
		for method, n := range db.calls {
			if method != "Keys" && method != "Revoked" {
				t.Errorf("%s: %d calls of %s", name, n, method)
			}
		}
		if keys, err := db.Keys(t.Context()); err != nil || len(keys) > 0 {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
		for _, endpoint := range []oidctest.Endpoint{oidctest.Device, oidctest.Revocation, oidctest.EndSession, oidctest.UserInfo} {
			if f.idp.Hits(endpoint) > 0 {
				t.Errorf("%s: %s was called", name, endpoint)
			}
		}
		if f.idp.Hits(oidctest.Token) != 2 { // with a made-up code each, as the client and as a made-up one
			t.Errorf("%s: %d token requests", name, f.idp.Hits(oidctest.Token))
		}
	}
}

// local is a store on this machine, whose file may not exist yet.
type local struct {
	store.Store
	file string
}

func (l local) SecretFile() (string, bool) { return l.file, true }

// A store on this machine that no request has used yet is no mistake, and Doctor does not create its key file. A key file that cannot be
// used is one.
func TestDoctorReadsALocalStore(t *testing.T) {
	for name, c := range map[string]struct {
		key  string
		flaw func(context.Context, string, int) error
		mistake
	}{
		"not there yet": {"", failing("Keys"), mistake{check: "store", level: core.FindingNote, text: "when the first request needs it"}},
		"there":         {"", nil, mistake{check: "store", level: core.FindingNote, text: "a file on this machine", line: `StoreURL: os.Getenv("STORE_URL"),`}},
		"damaged key":   {"short\n", nil, mistake{check: "secret keys", level: core.FindingWrong, text: "cannot be used", line: `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`}},
		"other key": {base64.StdEncoding.EncodeToString([]byte("a key of thirty-two bytes or more")), nil,
			mistake{check: "secret keys", level: core.FindingWrong, text: "other SecretKeys", line: `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`}},
	} {
		t.Run(name, func(t *testing.T) {
			db := &flawedStore{Store: &remote{store.NewMemory()}}
			ready(t, newFlow(t, func(c *core.Config) { brokered(signing("RS256"))(c); c.Store = db }))
			file := filepath.Join(t.TempDir(), "key")
			if c.key != "" {
				if err := os.WriteFile(file, []byte(c.key), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := newFlow(t, func(config *core.Config) {
				brokered()(config)
				config.Store, config.SecretKeys = local{db, file}, nil
			})
			db.breaks(c.flaw)
			if list := f.auth.Doctor(t.Context()); !c.has(list) {
				t.Errorf("got %+v", list)
			}
			if _, err := os.Stat(file); c.key == "" && err == nil {
				t.Error("the key file was created")
			}
		})
	}
}
