package verify

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

// answer is what an issuer said about one token: a token, or a fault of kind Token. Read-only.
type answer struct {
	token        *Token
	err          error
	asked, until time.Time // it counts between them
	names        []string  // by which it can be forgotten
	ends         []string  // names of logouts that all instances know of

	node tokencache.Node[*answer]
}

// answers caches answers by key. A nil one is empty.
type answers struct {
	byKey *tokencache.Cache[*answer]
}

func newAnswers(size int) *answers { return &answers{tokencache.New[*answer](size)} }

// find returns the answer about a token while it counts.
func (c *answers) find(key string, now time.Time) *answer {
	if c == nil {
		return nil
	}
	a, ok := c.byKey.Get(key)
	if !ok || !now.Before(a.until) || a.token != nil && !a.token.Good(now) {
		return nil
	}
	return a
}

// keep adds an answer, once.
func (c *answers) keep(key string, a *answer) {
	const rest = 300
	if c == nil {
		return
	}
	size := len(key) + rest
	for _, name := range a.ends {
		size += len(name)
	}
	if a.token != nil {
		size += a.token.Size()
	}
	c.byKey.Put(&a.node, key, a, size)
}

// namesOf returns the names by which a token can be forgotten: of the token, of its session at the issuer, of its person.
func namesOf(key string, token *Token) []string {
	names := []string{key, personName(token.Subject)}
	if sid := token.Text("sid"); sid != "" {
		names = append(names, sessionName(sid))
	}
	return names
}

func sessionName(sid string) string { return "sid " + sid }
func personName(sub string) string  { return "sub " + sub }

// Forget makes the next request with this token, or with another one of its session at the issuer, ask the issuer again. A nil Opaque
// ignores it.
func (o *Opaque) Forget(token *Token) {
	if o == nil {
		return
	}
	names := []string{o.key(token.Raw)}
	if sid := token.Text("sid"); sid != "" {
		names = append(names, sessionName(sid))
	}
	o.forget(names...)
}

// ForgetSession is Forget for a session at the issuer, and for all tokens of a person if sid is "". A nil Opaque ignores it.
func (o *Opaque) ForgetSession(sid, sub string) {
	switch {
	case o == nil:
	case sid != "":
		o.forget(sessionName(sid))
	default:
		o.forget(personName(sub))
	}
}

func (o *Opaque) forget(names ...string) {
	o.ended.add(names, time.Now(), o.TTL)
	o.epoch.Add(1)
}

// endings are the recent logouts. The zero value is empty.
type endings struct {
	some atomic.Bool // there are any

	mu  sync.Mutex
	at  map[string]time.Time
	all time.Time // everything that was asked before counts as ended
}

// maxEndings is how many names are kept. If there are more, everything is asked again.
const maxEndings = 10_000

func (e *endings) add(names []string, now time.Time, life time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.at) >= maxEndings {
		for name, at := range e.at {
			if now.Sub(at) > life { // every answer of that time has gone
				delete(e.at, name)
			}
		}
	}
	if len(e.at) >= maxEndings {
		clear(e.at)
		e.all = now
	}
	if e.at == nil {
		e.at = make(map[string]time.Time)
	}
	for _, name := range names {
		e.at[name] = now
	}
	e.some.Store(true)
}

// since reports whether one of the names was ended at or after asked.
func (e *endings) since(names []string, asked time.Time) bool {
	if !e.some.Load() {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !asked.After(e.all) {
		return true
	}
	for _, name := range names {
		if at, ok := e.at[name]; ok && !asked.After(at) {
			return true
		}
	}
	return false
}
