package core

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// secrets returns SecretKeys, or a random per-process key if there are none.
func (a *Auth) secrets() [][]byte {
	if len(a.cfg.SecretKeys) == 0 {
		return [][]byte{randomSecret()}
	}
	secrets := make([][]byte, len(a.cfg.SecretKeys))
	for i, secret := range a.cfg.SecretKeys {
		secrets[i] = []byte(secret)
	}
	return secrets
}

// randomBytes returns n random bytes.
func randomBytes(n int) []byte {
	random := make([]byte, n)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return random
}

func randomSecret() []byte { return randomBytes(seal.MinSecret) }

// errSecretKeys is the error for missing SecretKeys with a store that other machines may share.
var errSecretKeys = errors.New("empty: a store that others may share needs keys that stay; write at least one, the same on every instance, for instance the output of: openssl rand -base64 48")

// secretFileOf returns the key file of a store that is local to this machine. "" means: use a per-process key.
func secretFileOf(db store.Store) (string, error) {
	if local, ok := db.(store.Local); ok {
		if file, ok := local.SecretFile(); ok {
			return file, nil
		}
	}
	return "", errSecretKeys
}

// storeSecrets returns the keys that seal the rows of the store: SecretKeys, or for a local store the key in its file, or
// random for a store that ends with the process.
func (a *Auth) storeSecrets(random []byte) ([][]byte, error) {
	if len(a.cfg.SecretKeys) > 0 {
		return a.secrets(), nil
	}
	file, err := secretFileOf(a.cfg.Store)
	if err != nil {
		return nil, fmt.Errorf("core: Config.SecretKeys: %w", err)
	}
	if file == "" {
		return [][]byte{random}, nil
	}
	secret, err := secretFile(file)
	if err != nil {
		return nil, err
	}
	return [][]byte{secret}, nil
}

// secretSize is the length in bytes of a secret in a file.
const secretSize = 48

// secretFile returns the secret in a file. It creates the file with mode 0600 if it is missing, and refuses one that other
// users can read or that belongs to another user.
func secretFile(name string) ([]byte, error) {
	secret, err := readSecret(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeSecret(name); err == nil {
			secret, err = readSecret(name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("core: the secret key beside the store: %w", err)
	}
	return secret, nil
}

// makeSecret writes a temporary file and then links it to name, so that no process reads half of it. It keeps a file that
// another process has made meanwhile.
func makeSecret(name string) error {
	draft, err := os.CreateTemp(filepath.Dir(name), ".secret-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = io.WriteString(draft, base64.StdEncoding.EncodeToString(randomBytes(secretSize))+"\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func readSecret(name string) ([]byte, error) {
	file, err := openPrivate(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<10))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(string(bytes.TrimRight(text, "\r\n")))
	if err != nil || len(secret) < seal.MinSecret {
		return nil, fmt.Errorf("%s is damaged: bring it back from a backup; without it the store's rows cannot be read", name)
	}
	return secret, nil
}

// openPrivate opens a file that belongs to this user and that no other user can open. It refuses symbolic links: another
// user with write access to the folder could point one at a file whose contents they know.
func openPrivate(name string) (*os.File, error) {
	named, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if named.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s is a symbolic link: put the file itself there", name)
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	switch {
	case err != nil:
	case !os.SameFile(named, opened):
		err = fmt.Errorf("%s was replaced while it was opened", name)
	case isForeign(opened):
		err = fmt.Errorf("%s belongs to another user, who knows it: remove it, or chown it if you made it as that user", name)
	case isWide(opened):
		err = fmt.Errorf("%s can be read by others: chmod 600 it, and consider it known", name)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
