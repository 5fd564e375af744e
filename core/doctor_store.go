package core

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// examineStore examines the store of sessions and broker mode, and whether the replicas agree.
func (a *Auth) examineStore(ctx context.Context, f *findings) {
	a.examineFingerprints(f)
	if a.vault == nil {
		return
	}
	_, local := a.cfg.Store.(store.Local)
	e := a.vault.Examine(ctx, a.readSecrets(f))
	switch {
	case e.Err != nil && local && !e.Opened:
		f.note("store", "", "The store of this machine cannot be read yet (%s): its file is created when the first request needs it.", storeText(e.Err))
	case e.Err != nil && !e.Opened:
		f.wrong("store", "", "The store cannot be read (%s): correct Config.StoreURL, or start the service once if the database has no tables yet.", storeText(e.Err))
	case e.Err != nil:
		f.wrong("store", "", "The store cannot be read (%s): sessions and signing keys are not available.", storeText(e.Err))
	default:
		f.ok("store", "The store answers.")
		a.examineReplicas(f, e)
	}
	a.examinePlace(f)
}

func (a *Auth) examineReplicas(f *findings, e *session.Examination) {
	switch {
	case e.Sealed:
		f.wrong("secret keys", keysLine, "A signing key in the store was encrypted with other SecretKeys, or for another ClientID or PublicURL: give all replicas the same values, and append the old key to SecretKeys.")
	case a.cfg.Broker != nil && e.Keys > 0:
		f.ok("secret keys", "The signing keys in the store open with these SecretKeys.")
	}
	if a.cfg.Broker != nil && e.Newest != "" && e.Newest != a.cfg.Broker.SigningAlgorithm {
		f.note("signing algorithm", "SigningAlgorithm: "+strconv.Quote(e.Newest)+",", "The newest signing key in the store is one for %s, and Broker.SigningAlgorithm is %s: an instance that starts with it adds a key, which signs on all replicas after ten minutes.", e.Newest, a.cfg.Broker.SigningAlgorithm)
	}
	if e.Clocks != nil {
		f.wrong("store clock", "timedatectl set-ntp true", "The clocks of the instances on this store differ by more than a minute (%s): start a time service on each machine.", e.Clocks)
	} else {
		f.ok("store clock", "No time in the store is in the future of this clock.")
	}
}

// examinePlace notes a store that replicas cannot share.
func (a *Auth) examinePlace(f *findings) {
	local, ok := a.cfg.Store.(store.Local)
	if !ok {
		return
	}
	switch file, ok := local.SecretFile(); {
	case !ok:
	case file == "":
		f.note("store", `StoreURL: os.Getenv("STORE_URL"),`, "The store is in memory: all sessions end with this process, and no other replica knows them.")
	default:
		f.note("store", `StoreURL: os.Getenv("STORE_URL"),`, "The store is a file on this machine: run one replica, or use a database that all share.")
	}
}

// readSecrets returns the keys that encrypt the rows, none if they are not known. Unlike storeSecrets it creates no file.
func (a *Auth) readSecrets(f *findings) [][]byte {
	if len(a.cfg.SecretKeys) > 0 {
		return a.secrets()
	}
	file, err := secretFileOf(a.cfg.Store)
	if err != nil || file == "" {
		return nil
	}
	secret, err := readSecret(file)
	switch {
	case err == nil:
		return [][]byte{secret}
	case !errors.Is(err, fs.ErrNotExist):
		f.wrong("secret keys", keysLine, "The secret key beside the store cannot be used (%s).", storeText(err))
	}
	return nil
}

// examineFingerprints lets people compare the keys of replicas, whose memory Doctor cannot see.
func (a *Auth) examineFingerprints(f *findings) {
	var names []string
	for _, key := range a.cfg.SecretKeys {
		names = append(names, session.Fingerprint([]byte(key)))
	}
	if len(names) > 0 {
		f.ok("secret keys", "The fingerprints of SecretKeys are %s: Doctor must print the same on each replica.", strings.Join(names, ", "))
	}
}

// storeText returns the error of a store in one line. By its contract it contains no password.
func storeText(err error) string {
	return trouble.Printable(strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", "; "), "."))
}
