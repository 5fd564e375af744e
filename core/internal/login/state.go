// Package login carries the state of a login from its start to the callback: in a sealed state parameter, and in a cookie that
// binds it to one browser. The server stores none of it.
package login

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"golang.org/x/oauth2"
)

// life is how long a login may take.
const life = 10 * time.Minute

// Kind says which route may open a state.
type Kind string

// The kinds.
const (
	Browser  Kind = "b" // own callback, bound to a cookie
	Loopback Kind = "l" // a program on the user's machine, which posts the state as code_verifier
	Logout   Kind = "o" // logout route, after the provider's logout
	Arrival  Kind = "a" // own callback, after an answer that the provider posted; bound to a cookie of its own
	StepUp   Kind = "u" // login route, to which a guard redirects a session whose login is not enough
)

// State is the state of a login in progress. It travels sealed in the parameter state, so the PKCE verifier in it stays
// secret.
type State struct {
	Kind     Kind   `json:"k"`
	Verifier string `json:"v"`
	Nonce    string `json:"n"`
	Redirect string `json:"r"`
	Provider string `json:"p,omitempty"` // name
	Scope    string `json:"s"`
	Issued   int64  `json:"t"`           // Unix milliseconds: a login right after the end of all sessions lives
	Cookie   string `json:"c,omitempty"` // name of the browser's cookie
	Binding  []byte `json:"b,omitempty"` // SHA-256 of its value
	Return   string `json:"u,omitempty"` // address to return to; "" without sessions
	Silent   bool   `json:"q,omitempty"` // login with prompt=none
	Posted   bool   `json:"f,omitempty"` // the provider posts its answer: browsers send the cookie with requests of other sites
	Session  string `json:"a,omitempty"` // the new session's cookie, which an arrival sets; "": the login did not work

	StepUp *claims.StepUp `json:"w,omitempty"` // what the login has to be like; nil: like any
}

// NewState makes the state of a new login, issued now, with a random verifier and nonce.
func NewState(kind Kind, redirect, scope string) *State {
	return &State{Kind: kind, Verifier: oauth2.GenerateVerifier(), Nonce: randomText(), Redirect: redirect, Scope: scope, Issued: time.Now().UnixMilli()}
}

// NewArrival makes the state of the navigation that follows a posted answer, issued now.
func (s *State) NewArrival(session string) *State {
	return &State{Kind: Arrival, Nonce: randomText(), Redirect: s.Redirect, Return: s.Return, Session: session, Issued: time.Now().UnixMilli()}
}

// Challenge returns the S256 challenge of the state's verifier (RFC 7636 section 4.2).
func (s *State) Challenge() string { return oauth2.S256ChallengeFromVerifier(s.Verifier) }

// BoundTo reports whether the state is bound to a cookie with this value.
func (s *State) BoundTo(cookie string) bool {
	sum := sha256.Sum256([]byte(cookie))
	return cookie != "" && subtle.ConstantTimeCompare(sum[:], s.Binding) == 1
}

// Config has the settings of Logins.
type Config struct {
	Secrets [][]byte      // the first seals, all open
	Party   string        // this client at this provider; another one that shares the secrets cannot open what it seals
	Leeway  time.Duration // how far the clocks of instances may differ
	Secure  bool          // browsers use https
}

// Logins seals and opens the states and device codes of logins. Safe for concurrent use.
type Logins struct {
	cfg             Config
	states, devices *seal.Sealer
	spent           *spent
}

// New makes the Logins of one service. It returns an error for invalid Secrets, see [seal.New].
func New(cfg Config) (*Logins, error) {
	states, errStates := seal.New("login state", cfg.Secrets...)
	devices, errDevices := seal.New("device code", cfg.Secrets...)
	if err := errors.Join(errStates, errDevices); err != nil {
		return nil, err
	}
	return &Logins{cfg: cfg, states: states, devices: devices, spent: newSpent()}, nil
}

// Seal returns the sealed state, for the parameter state.
func (l *Logins) Seal(state *State) (string, error) {
	plain, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	return l.states.Seal(plain, l.cfg.Party), nil
}

func bad() error { return fault.New(fault.State, nil) }

// Open opens a sealed state of the given kind. It does not check age and reuse, which [Logins.Spend] does, so that the cookie
// of an old state can still be deleted. The error is a fault of kind State.
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

// SealStepUp returns a sealed demand on a login at the named provider, for the query of the login route: a link can only carry what a guard
// has demanded. It does not expire, because it grants nothing.
func (l *Logins) SealStepUp(provider string, demand *claims.StepUp) (string, error) {
	return l.Seal(&State{Kind: StepUp, Provider: provider, StepUp: demand, Issued: time.Now().UnixMilli()})
}

// OpenStepUp opens a sealed demand. The error is a fault of kind State.
func (l *Logins) OpenStepUp(sealed string) (provider string, demand *claims.StepUp, err error) {
	state, err := l.Open(sealed, StepUp)
	if err != nil {
		return "", nil, err
	}
	if state.StepUp == nil {
		return "", nil, bad()
	}
	return state.Provider, state.StepUp, nil
}

// SealLogout returns the sealed state of a logout with its final address.
func (l *Logins) SealLogout(address string) (string, error) {
	return l.Seal(&State{Kind: Logout, Return: address, Issued: time.Now().UnixMilli()})
}

// IsCurrent reports whether a state is at most ten minutes old and, within Leeway, not from the future.
func (l *Logins) IsCurrent(state *State) bool {
	age := time.Since(time.UnixMilli(state.Issued))
	return age <= life && age >= -l.cfg.Leeway
}

// Spend marks a state as used. It fails with a fault of kind State if the state is not current or was used before in this
// process. A replay on another instance also needs an unused code for the same challenge, and the provider issues only one.
func (l *Logins) Spend(state *State) error {
	if !l.IsCurrent(state) || !l.spent.add(state.Nonce, time.Now()) {
		return bad()
	}
	return nil
}

// Device is the content of a sealed device code: the provider, its code and the PKCE verifier, "" if the provider got no challenge.
type Device struct {
	Code     string `json:"d"`
	Verifier string `json:"v,omitempty"`
	Provider string `json:"p,omitempty"` // name
}

// SealDevice returns the device code that the client gets.
func (l *Logins) SealDevice(device Device) (string, error) {
	plain, err := json.Marshal(device)
	if err != nil {
		return "", err
	}
	return l.devices.Seal(plain, l.cfg.Party), nil
}

// OpenDevice opens a device code; ok is false for one that this service did not seal.
func (l *Logins) OpenDevice(code string) (device Device, ok bool) {
	plain, err := l.devices.Open(code, l.cfg.Party)
	if err != nil || json.Unmarshal(plain, &device) != nil {
		return Device{}, false
	}
	return device, true
}

// randomText returns 128 random bits in base64url.
func randomText() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // crypto/rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(random)
}
