package oidctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// WithFile keeps logins, their tokens and the signing keys in a file, so that a restarted provider continues where the last one stopped. The
// provider writes the file before every answer with tokens, at every revocation and logout, and at Close. Two providers must not share a
// file. The file does not contain codes, device logins in progress, browser sessions, users and clients. Its keys take precedence over
// [WithKeyID] and [WithAlgorithm], and must be RSA keys: with another algorithm, [Start] returns an error. The file has mode 0600 and contains
// secrets in clear text, so use it for demos only. Default: no file.
func WithFile(name string) Option { return func(s *settings) { s.file = name } }

// saved is the content of the file.
type saved struct {
	Keys   []savedKey    `json:"keys"`
	Logins []savedLogin  `json:"logins"`
	Access []savedAccess `json:"access_tokens"`
}

type savedKey struct {
	ID  string `json:"kid"`
	Alg string `json:"alg"`
	PEM string `json:"pem"`
}

type savedLogin struct {
	ID       string    `json:"sid"`
	Session  string    `json:"browser_sid,omitempty"` // of the browser
	Client   string    `json:"client"`
	User     string    `json:"user"`
	Scope    string    `json:"scope"`
	AuthTime int64     `json:"auth_time"`
	ACR      string    `json:"acr,omitempty"`
	Resource []string  `json:"resources,omitempty"`
	Tokens   []string  `json:"refresh_tokens"` // including used ones
	Current  string    `json:"current"`
	Expires  time.Time `json:"expires"`
}

type savedAccess struct {
	Token   string    `json:"token"`
	Login   string    `json:"sid"`
	Expires time.Time `json:"expires"`
	Claims  Claims    `json:"claims"`
	Profile Claims    `json:"profile"`
}

// load reads the file, or makes the first key if there is none. It runs before p is shared.
func (p *Provider) load() error {
	if p.set.file != "" {
		text, err := os.ReadFile(p.set.file)
		if !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, p.restore(text))
		}
	}
	return p.keys.rotate(p.set.keyID, p.set.algorithm)
}

func (p *Provider) restore(text []byte) error {
	var state saved
	if err := json.Unmarshal(text, &state); err != nil || len(state.Keys) == 0 {
		return fmt.Errorf("oidctest: %s holds no provider: remove it to start anew", p.set.file)
	}
	for _, key := range state.Keys {
		signer, err := jose.ParsePrivateKey([]byte(key.PEM))
		if err != nil {
			return fmt.Errorf("oidctest: %s: key %s: %w", p.set.file, key.ID, err)
		}
		signer.ID, signer.Alg = key.ID, key.Alg
		p.keys.signers = append(p.keys.signers, signer)
	}
	logins := make(map[string]*family)
	for _, s := range state.Logins {
		login := newFamily(s.Client, grant{user: s.User, scope: s.Scope, authTime: s.AuthTime, acr: s.ACR, session: s.Session, resources: s.Resource})
		login.id, login.current, login.expires = s.ID, s.Current, s.Expires
		logins[s.ID] = login
		for _, token := range s.Tokens {
			p.families.put(token, login)
		}
	}
	for _, s := range state.Access {
		if login := logins[s.Login]; login != nil {
			p.access.put(s.Token, &accessGrant{family: login, expires: s.Expires, claims: s.Claims, profile: s.Profile})
		}
	}
	return nil
}

// save replaces the file atomically. It leaves out what has expired or ended.
func (p *Provider) save() error {
	if p.set.file == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	state, err := p.state()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(state, "", "\t")
	if err != nil {
		return fmt.Errorf("oidctest: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(p.set.file), ".provider-") // mode 0600
	if err != nil {
		return fmt.Errorf("oidctest: %w", err)
	}
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), p.set.file)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
	}
	return err
}

// state returns the content to write. The caller holds mu.
func (p *Provider) state() (*saved, error) {
	state := new(saved)
	for _, signer := range p.keys.signers {
		if !strings.HasPrefix(signer.Alg, "RS") && !strings.HasPrefix(signer.Alg, "PS") {
			return nil, fmt.Errorf("oidctest: a provider with a file signs with RSA, not with %s", signer.Alg)
		}
		text, err := signer.PrivateKey()
		if err != nil {
			return nil, err
		}
		state.Keys = append(state.Keys, savedKey{signer.ID, signer.Alg, string(text)})
	}
	at := make(map[*family]int)
	add := func(login *family) *savedLogin {
		i, known := at[login]
		if !known {
			i, at[login] = len(state.Logins), len(state.Logins)
			state.Logins = append(state.Logins, savedLogin{
				ID: login.id, Session: login.grant.session, Client: login.client, User: login.grant.user, Scope: login.grant.scope, AuthTime: login.grant.authTime, ACR: login.grant.acr, Resource: login.grant.resources,
				Current: login.current, Expires: login.expires,
			})
		}
		return &state.Logins[i]
	}
	now := p.now()
	for _, token := range p.families.order {
		if login := p.families.entries[token]; !login.ended && now.Before(login.expires) {
			saved := add(login)
			saved.Tokens = append(saved.Tokens, token)
		}
	}
	for _, token := range p.access.order {
		if access := p.access.entries[token]; access.active(now) {
			add(access.family)
			state.Access = append(state.Access, savedAccess{token, access.family.id, access.expires, access.claims, access.profile})
		}
	}
	return state, nil
}
