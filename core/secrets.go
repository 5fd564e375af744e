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

// secrets returns SecretKeys, or a random one for this process.
func (a *Auth) secrets() [][]byte {
	if len(a.cfg.SecretKeys) == 0 {
		a.log.Warn("no SecretKeys are configured: logins end with this process and do not cross replicas")
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

// errSecretKeys is the fault of a store that others may share.
var errSecretKeys = errors.New("core: Config.SecretKeys: " + secretKeysForStore)

// secretFileOf returns where the store keeps a secret of its own, "" for as long as the process lives.
func secretFileOf(db store.Store) (string, error) {
	if local, ok := db.(store.Local); ok {
		if file, ok := local.SecretFile(); ok {
			return file, nil
		}
	}
	return "", errSecretKeys
}

// storeSecrets returns what seals the rows of the store: SecretKeys, or the key of a store that only this machine sees,
// which for one that ends with the process is random.
func (a *Auth) storeSecrets(db store.Store, random []byte) ([][]byte, error) {
	if len(a.cfg.SecretKeys) > 0 {
		return a.secrets(), nil
	}
	file, err := secretFileOf(db)
	if err != nil {
		return nil, err
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

// secretSize is the length of the secret in a file, in bytes.
const secretSize = 48

// secretFile reads the secret in a file, which who comes first makes: mode 0600, and nobody else may read it.
func secretFile(name string) ([]byte, error) {
	secret, err := readSecret(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := makeSecret(name); err != nil {
		return nil, err
	}
	return readSecret(name)
}

// makeSecret writes a whole file and only then gives it its name, unless somebody else has: nobody reads half of one.
func makeSecret(name string) error {
	draft, err := os.CreateTemp(filepath.Dir(name), ".secret-") // mode 0600
	if err != nil {
		return fmt.Errorf("core: the secret key beside the store: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = io.WriteString(draft, base64.StdEncoding.EncodeToString(randomBytes(secretSize))+"\n")
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Link(draft.Name(), name)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("core: the secret key beside the store: %w", err)
	}
	return nil
}

func readSecret(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("core: the secret key beside the store: %w", err)
	}
	if isWide(info) {
		return nil, fmt.Errorf("core: the secret key %s can be read by others: chmod 600 it, and consider it known", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("core: the secret key beside the store: %w", err)
	}
	secret, err := base64.StdEncoding.DecodeString(string(bytes.TrimRight(text, "\r\n")))
	if err != nil || len(secret) < seal.MinSecret {
		return nil, fmt.Errorf("core: the secret key %s is damaged: bring it back from a backup; without it the store's rows cannot be read", name)
	}
	return secret, nil
}
