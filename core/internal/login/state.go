// Package login is what a login has to remember between its begin and the code that comes back: a sealed state, and the
// cookie that ties it to one browser. Nothing of it is stored on the server.
package login

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"golang.org/x/oauth2"
)

// life is how long a login may take.
const life = 10 * time.Minute

// Kind says which route alone may open a state.
type Kind string

// The kinds.
const (
	Browser  Kind = "b" // own callback, bound to a cookie
	Loopback Kind = "l" // a program on the user's machine, which posts the state as code_verifier
)

// State is what a login has to remember until its code comes back. It travels sealed, as the parameter state: the
// PKCE verifier in it shows nowhere.
type State struct {
	Kind     Kind   `json:"k"`
	Verifier string `json:"v"`
	Nonce    string `json:"n"`
	Redirect string `json:"r"`
	Scope    string `json:"s"`
	Issued   int64  `json:"t"`           // Unix seconds
	Cookie   string `json:"c,omitempty"` // name of the browser's cookie
	Binding  []byte `json:"b,omitempty"` // SHA-256 of its value
}

// NewState begins a login.
func NewState(kind Kind, redirect, scope string) *State {
	return &State{Kind: kind, Verifier: oauth2.GenerateVerifier(), Nonce: randomText(), Redirect: redirect, Scope: scope, Issued: time.Now().Unix()}
}

// Challenge is the S256 challenge of the state's verifier (RFC 7636 section 4.2).
func (s *State) Challenge() string { return oauth2.S256ChallengeFromVerifier(s.Verifier) }

// BoundTo reports whether the cookie's value is the one that the state was bound to.
func (s *State) BoundTo(cookie string) bool {
	sum := sha256.Sum256([]byte(cookie))
	return cookie != "" && subtle.ConstantTimeCompare(sum[:], s.Binding) == 1
}

// Config is what logins are kept with.
type Config struct {
	Secrets [][]byte      // the first seals, all open
	Party   string        // this client at this provider: what it seals opens for no other one that shares the secrets
	Leeway  time.Duration // how far clocks of instances may differ
	Secure  bool          // browsers come by https
}

// Logins seals and opens what logins remember. Safe for concurrent use.
type Logins struct {
	cfg             Config
	states, devices *seal.Sealer
	spent           *spent
}

// New makes the logins of one service.
func New(cfg Config) (*Logins, error) {
	states, errStates := seal.New("login state", cfg.Secrets...)
	devices, errDevices := seal.New("device code", cfg.Secrets...)
	if err := errors.Join(errStates, errDevices); err != nil {
		return nil, err
	}
	return &Logins{cfg: cfg, states: states, devices: devices, spent: newSpent()}, nil
}

// Seal makes the parameter state.
func (l *Logins) Seal(state *State) (string, error) {
	plain, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	return l.states.Seal(plain, l.cfg.Party), nil
}

func bad() error { return fault.New(fault.State, nil) }

// Open opens a state of the one kind that the calling route takes. Its age and use are [Logins.Spend]'s matter: who
// holds an old one still gets its cookie deleted. The error is a fault of kind State.
func (l *Logins) Open(sealed string, want Kind) (*State, error) {
	plain, err := l.states.Open(sealed, l.cfg.Party)
	if err != nil {
		return nil, bad()
	}
	var state State
	if json.Unmarshal(plain, &state) != nil || state.Kind != want {
		return nil, bad()
	}
	return &state, nil
}

// IsCurrent reports whether a state is neither too old nor from the future.
func (l *Logins) IsCurrent(state *State) bool {
	age := time.Since(time.Unix(state.Issued, 0))
	return age <= life && age >= -l.cfg.Leeway
}

// Spend uses a state up: it fails for one that is not current or was spent in this process already. Replaying it
// elsewhere needs an unspent code for the same challenge, which the provider gives once.
func (l *Logins) Spend(state *State) error {
	if !l.IsCurrent(state) || !l.spent.add(state.Nonce, time.Now()) {
		return bad()
	}
	return nil
}

// Device is what a public client's device code holds: the provider's code and the verifier of its challenge.
type Device struct {
	Code     string `json:"d"`
	Verifier string `json:"v"`
}

// SealDevice makes the device code that a client gets.
func (l *Logins) SealDevice(device Device) (string, error) {
	plain, err := json.Marshal(device)
	if err != nil {
		return "", err
	}
	return l.devices.Seal(plain, l.cfg.Party), nil
}

// OpenDevice opens a device code; false for one that this service has not made.
func (l *Logins) OpenDevice(code string) (device Device, ok bool) {
	plain, err := l.devices.Open(code, l.cfg.Party)
	if err != nil || json.Unmarshal(plain, &device) != nil {
		return Device{}, false
	}
	return device, true
}

// randomText is 128 random bits in base64url.
func randomText() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(random)
}
