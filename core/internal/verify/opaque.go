package verify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"golang.org/x/sync/singleflight"
)

// Opaque looks access tokens up at their issuer, which are no JWTs or whose signature is not to be relied on (RFC 7662). Make one with
// [NewOpaque]. Safe for concurrent use.
type Opaque struct {
	OpaqueConfig
	Ends Ends // set before first use; nil: no other instance ends anything

	kept    *answers // what the issuer accepts; nil: not cached
	refused *answers // what it does not
	ended   endings
	epoch   atomic.Uint64 // of lookups: one that began before a logout answers nobody who came after it
	flights singleflight.Group
	places  chan struct{}
	pause   atomic.Int64 // until when the issuer wants no lookups, in Unix milliseconds
}

// OpaqueConfig has the settings of an Opaque.
type OpaqueConfig struct {
	Row *Issuer // the issuer, and the rule for audiences
	All bool    // its JWTs are looked up, too
	// Unmarked accepts a token that the answer does not distinguish from a refresh token.
	Unmarked bool
	// Ask returns what the issuer says about a token: no object if it is not active. The error is a fault.
	Ask func(ctx context.Context, raw string) (strictjson.Object, error)
	// Identity is the client that asks, and at which issuer.
	Identity string
	TTL      time.Duration // how long a token is accepted without asking; not above 0: it is asked each time
	Size     int           // of the cache, in tokens; negative: none
	Timeout  time.Duration // of one lookup
}

// Ends are the logouts that all instances know of. Its methods are called concurrently, and do not wait.
type Ends interface {
	// NamesOf returns the names under which the logouts of a session at the issuer and of a person are known. sid may be "".
	NamesOf(issuer, sid, subject string) []string
	// EndedSince reports whether something with one of the names was ended after a time, or could have been: clocks differ.
	EndedSince(names []string, at time.Time) bool
}

const (
	refusedLife = 5 * time.Second
	refusedSize = 1024
	// unstatedLife is how long a token is valid for which the issuer states no expiry. Then it is asked again.
	unstatedLife = time.Minute
	maxLookups   = 64 // under way at a time
)

// NewOpaque makes an Opaque.
func NewOpaque(cfg OpaqueConfig) *Opaque {
	o := &Opaque{OpaqueConfig: cfg, refused: newAnswers(refusedSize), places: make(chan struct{}, maxLookups)}
	if cfg.TTL > 0 && cfg.Size >= 0 {
		o.kept = newAnswers(cfg.Size)
	}
	return o
}

// Takes reports whether a token is to be looked up here: every text that is no JWT, and with All the JWTs that name the issuer. A JWT that
// names another one, or none, is of no concern to the issuer. Takes verifies nothing. A nil Opaque takes nothing.
func (o *Opaque) Takes(raw string) bool {
	if o == nil {
		return false
	}
	issuer, isJWT := claimed(raw)
	return !isJWT || o.All && issuer != "" && o.Row.CouldBe(issuer)
}

// claimed reports whether a text has the form of a signed JWT, and the issuer that it names; "" for none. It is less strict than
// [jose.Parse]: a JWT with mistakes is still one, and not to be shown to an issuer that did not make it.
func claimed(raw string) (issuer string, isJWT bool) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > jose.MaxTokenSize {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || !strings.HasPrefix(strings.TrimLeft(string(payload), " \t\r\n"), "{") {
		return "", false
	}
	object, err := strictjson.Parse(string(payload))
	if err != nil {
		return "", true
	}
	issuer, _ = object.String("iss") // of another type: none
	return issuer, true
}

// Access returns an access token that the issuer calls active. cached reports whether it was not asked. The error is a fault: of kind
// Token with its reason, else about the issuer's answer.
func (o *Opaque) Access(ctx context.Context, raw string) (token *Token, cached bool, err error) {
	if len(raw) > jose.MaxTokenSize || !isToken68(raw) {
		return nil, false, fault.New(fault.Token, fault.ErrMalformed)
	}
	key := o.key(raw)
	if known := o.known(key, time.Now()); known != nil {
		return known.token, known.token != nil, known.err
	}
	found, err := o.lookUp(ctx, key, strings.Clone(raw))
	if err != nil {
		return nil, false, err
	}
	return found.token, false, found.err
}

// isToken68 reports whether a text can be the credentials of a request (RFC 6750 section 2.1).
func isToken68(raw string) bool {
	return raw != "" && strings.IndexFunc(raw, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
	}) < 0
}

// key has all on which an answer depends.
func (o *Opaque) key(raw string) string {
	sum := sha256.Sum256([]byte(o.Identity + "\x00" + raw))
	return string(sum[:])
}

// known returns the cached answer about a token, nil if there is none that counts.
func (o *Opaque) known(key string, now time.Time) *answer {
	for _, cache := range []*answers{o.kept, o.refused} {
		if a := cache.find(key, now); a != nil && !o.ended.since(a.names, a.asked) && !o.endedElsewhere(a) {
			return a
		}
	}
	return nil
}

// endedElsewhere reports whether another instance ended what an answer is about, after it was given.
func (o *Opaque) endedElsewhere(a *answer) bool {
	return o.Ends != nil && len(a.ends) > 0 && o.Ends.EndedSince(a.ends, a.asked)
}

// lookUp asks the issuer, once for all who ask at the same time. The lookup goes on if one of them leaves. The error is a fault of
// another kind than Token.
func (o *Opaque) lookUp(ctx context.Context, key, raw string) (*answer, error) {
	flight := key + string(binary.BigEndian.AppendUint64(nil, o.epoch.Load()))
	results := o.flights.DoChan(flight, func() (any, error) {
		if a := o.known(key, time.Now()); a != nil { // it was answered in between
			return a, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Timeout)
		defer cancel()
		return o.ask(ctx, key, raw)
	})
	select {
	case result := <-results:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*answer), nil
	case <-ctx.Done():
		return nil, fault.Down(fault.Lookup, ctx.Err())
	}
}

var errPaused = errors.New("the provider asks for a pause")

// ask asks the issuer and caches the answer.
func (o *Opaque) ask(ctx context.Context, key, raw string) (*answer, error) {
	asked := time.Now()
	if left := time.UnixMilli(o.pause.Load()).Sub(asked); left > 0 {
		return nil, &fault.Error{Kind: fault.Outage, Part: fault.Lookup, Err: errPaused, After: left}
	}
	select {
	case o.places <- struct{}{}:
		defer func() { <-o.places }()
	case <-ctx.Done():
		return nil, fault.Down(fault.Lookup, ctx.Err())
	}
	said, err := o.Ask(ctx, raw)
	if err != nil {
		o.wait(err)
		return nil, err
	}
	a := &answer{asked: asked}
	if !said.Exists() {
		a.err = fault.New(fault.Token, fault.ErrInactive)
	} else if a.token, a.err = o.read(ctx, raw, said, asked); a.err != nil && !fault.Is(a.err, fault.Token) {
		return nil, a.err
	}
	if a.err != nil {
		a.until = asked.Add(refusedLife)
		o.refused.keep(key, a)
		return a, nil
	}
	a.until = asked.Add(o.TTL)
	if a.token.Expiry.Before(a.until) {
		a.until = a.token.Expiry
	}
	a.names = namesOf(key, a.token)
	if o.Ends != nil {
		a.ends = o.Ends.NamesOf(a.token.Issuer, a.token.Text("sid"), a.token.Subject)
	}
	o.kept.keep(key, a)
	return a, nil
}

// wait obeys the pause that the issuer asks for.
func (o *Opaque) wait(err error) {
	if f := fault.Find(err); f != nil && f.After > 0 {
		o.pause.Store(time.Now().Add(f.After).UnixMilli())
	}
}

// read checks what the issuer says about an active token. The error is a fault.
func (o *Opaque) read(ctx context.Context, raw string, said strictjson.Object, now time.Time) (*Token, error) {
	name, err := o.Row.name(ctx)
	if err != nil {
		return nil, err
	}
	token := o.Row.New()
	switch err := token.ReadAnswer(said, name, now, now.Add(unstatedLife), o.Row.Rules); {
	case errors.Is(err, fault.ErrIssuer):
		return nil, anotherIssuer(name)
	case err != nil:
		return nil, fault.New(fault.Token, err)
	case !o.isAccess(token):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	case !o.Row.Audience(&token.Token, true):
		return nil, o.Row.anotherAudience(&token.Token)
	}
	token.Raw, token.issuer = raw, o.Row
	return token, nil
}

// isAccess excludes tokens for other purposes, which issuers call active too, and tokens bound to a key. A token that the answer
// does not call a bearer token could be a refresh token, unless it has an audience.
func (o *Opaque) isAccess(token *Token) bool {
	kind, errKind := token.Object.String("typ")
	use, errUse := token.Object.String("token_use")
	scheme := token.Text("token_type") // ReadAnswer checked its type
	switch {
	case errKind != nil, errUse != nil, token.Has("cnf"), token.Has("events"),
		isAnyOf(kind, "ID", "Refresh", "Offline", "Logout"), isAnyOf(use, "id", "refresh", "refresh_token", "id_token"),
		!isAnyOf(scheme, "", "Bearer", "access_token", "urn:ietf:params:oauth:token-type:access_token"):
		return false
	}
	return scheme != "" || isAnyOf(kind, "Bearer") || isAnyOf(use, "access", "access_token") || len(token.Audience) > 0 || o.Unmarked
}
