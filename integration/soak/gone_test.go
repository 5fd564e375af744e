package soak

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// reach is how long an end may take to reach all instances: two seconds, and what a busy machine adds.
const reach = 5 * time.Second

// goner is what a logout has ended.
type goner struct {
	what    string
	header  http.Header
	refresh string // of a program
	at      time.Time
	until   time.Time // the access token expires then: what is refused afterwards proves nothing
	tried   sync.Once // its refresh token
}

// graveyard keeps the last of them. Safe for concurrent use.
type graveyard struct {
	mu   sync.Mutex
	list []*goner
}

const maxGoners = 2000

func (g *graveyard) add(gone *goner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.list) < maxGoners {
		g.list = append(g.list, gone)
	} else {
		g.list[rand.IntN(maxGoners)] = gone
	}
}

func (g *graveyard) any() *goner {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range 10 {
		if len(g.list) == 0 {
			return nil
		}
		n := rand.IntN(len(g.list))
		if time.Now().Before(g.list[n].until) {
			return g.list[n]
		}
		g.list[n] = g.list[len(g.list)-1]
		g.list = g.list[:len(g.list)-1]
	}
	return nil
}

// goneHere asks the instance that took the logout: it refuses at once, also if the store does not have the end yet.
func (r *run) goneHere(i *instance, what string, header http.Header) {
	a := i.ask(http.MethodGet, "/me", header, nil)
	if a.status == http.StatusOK {
		r.alive(what+", where the logout was", a)
	}
}

// haunt sends what a logout has ended to any instance.
func (r *run) haunt() {
	gone := r.gone.any()
	if gone == nil || time.Since(gone.at) < reach {
		return
	}
	a := r.any().ask(http.MethodGet, "/me", gone.header, nil)
	// A logout that the store did not take is made good soon after the outage.
	late := r.board.during(store, gone.at.Add(-routeTime), a.to, 2*reach) && r.board.during(store, a.from, a.to, 2*reach)
	if a.status == http.StatusOK {
		if !late {
			r.alive(gone.what, a)
		}
		return
	}
	if r.judge("gone", a, false) == healthy {
		r.count.refusedGone.Add(1)
	}
	if gone.refresh != "" && !late {
		gone.tried.Do(func() { r.hauntRefresh(gone) })
	}
}

func (r *run) hauntRefresh(gone *goner) {
	a := r.any().ask(http.MethodPost, prefix+"/token", http.Header{"Content-Type": {form}}, url.Values{"refresh-token": {gone.refresh}})
	if a.status == http.StatusOK {
		r.alive("a refresh token", a)
		return
	}
	r.judge("gone refresh", a, false)
}

func (r *run) alive(what string, a *answer) {
	r.count.alive.Add(1)
	r.violation("alive after logout", "%s on instance %d", what, a.on.number)
}
