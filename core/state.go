package core

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Login states live for stateLife; one process remembers that many opened ones, so that none is used twice.
const (
	stateLife   = 10 * time.Minute
	spentStored = 1 << 16
)

// kind says which route alone may open a state.
type kind string

const (
	kindBrowser  kind = "b" // own callback, bound to a cookie
	kindLoopback kind = "l" // a program on the user's machine, which posts the state as code_verifier
)

// loginState is what a login has to remember until its code comes back. It travels sealed, as the parameter state: the
// PKCE verifier in it shows nowhere.
type loginState struct {
	Kind     kind   `json:"k"`
	Verifier string `json:"v"`
	Nonce    string `json:"n"`
	Redirect string `json:"r"`
	Scope    string `json:"s"`
	Issued   int64  `json:"t"`           // Unix seconds
	Cookie   string `json:"c,omitempty"` // name of the browser's cookie
	Binding  []byte `json:"b,omitempty"` // SHA-256 of its value
}

func newState(k kind, redirect, scope string) *loginState {
	return &loginState{Kind: k, Verifier: oauth2.GenerateVerifier(), Nonce: randomText(), Redirect: redirect, Scope: scope, Issued: time.Now().Unix()}
}

// randomText is 128 random bits in base64url.
func randomText() string {
	return base64.RawURLEncoding.EncodeToString(randomBytes(16))
}

func (a *Auth) sealState(state *loginState) (string, error) {
	plain, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	return a.states.Seal(plain, a.party), nil
}

func badState() *Error {
	return badRequest(CodeInvalidRequest, "The login state is not valid: begin the login again.")
}

// openState opens a state of the one kind that the calling route takes. Its age and use are [Auth.spend]'s matter: who
// holds an old one still gets its cookie deleted.
func (a *Auth) openState(sealed string, want kind) (*loginState, error) {
	plain, err := a.states.Open(sealed, a.party)
	if err != nil {
		return nil, badState()
	}
	var state loginState
	if json.Unmarshal(plain, &state) != nil || state.Kind != want {
		return nil, badState()
	}
	return &state, nil
}

// isCurrent reports whether a state is neither too old nor from the future.
func (a *Auth) isCurrent(state *loginState) bool {
	age := time.Since(time.Unix(state.Issued, 0))
	return age <= stateLife && age >= -a.cfg.Leeway
}

// spend uses a state up: it fails for one that is not current or was spent in this process already. Replaying it
// elsewhere needs an unspent code for the same challenge, which the provider gives once.
func (a *Auth) spend(state *loginState) error {
	if !a.isCurrent(state) || !a.spent.add(state.Nonce, time.Now()) {
		return badState()
	}
	return nil
}

func (s *loginState) boundTo(cookie string) bool {
	sum := sha256.Sum256([]byte(cookie))
	return cookie != "" && subtle.ConstantTimeCompare(sum[:], s.Binding) == 1
}

// spentStates remembers used states by their nonce: bounded in number, the oldest forgotten first. Safe for concurrent
// use.
type spentStates struct {
	mu   sync.Mutex
	seen map[string]time.Time
	ring []string // nonces in order of use, next is the oldest
	next int
}

func newSpentStates() *spentStates {
	return &spentStates{seen: make(map[string]time.Time)}
}

// add reports whether nonce is new.
func (s *spentStates) add(nonce string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used, ok := s.seen[nonce]; ok && now.Sub(used) <= 2*stateLife {
		return false
	}
	if len(s.ring) < spentStored {
		s.ring = append(s.ring, nonce)
	} else {
		delete(s.seen, s.ring[s.next])
		s.ring[s.next] = nonce
		s.next = (s.next + 1) % spentStored
	}
	s.seen[nonce] = now
	return true
}
