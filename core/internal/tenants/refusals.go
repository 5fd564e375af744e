package tenants

import "time"

// refusals remembers issuers that are not trusted, the latest ones. Texts come from anybody, so their number is limited: an old one goes
// for each new one. Not safe for concurrent use.
type refusals struct {
	until map[string]time.Time
	ring  []string // the texts in the order in which they came
	next  int
}

func newRefusals(size int) refusals {
	return refusals{until: make(map[string]time.Time), ring: make([]string, size)}
}

// has reports whether an issuer is not trusted at this time.
func (r *refusals) has(issuer string, now time.Time) bool {
	until, ok := r.until[issuer]
	return ok && now.Before(until)
}

func (r *refusals) add(issuer string, until time.Time) {
	if _, ok := r.until[issuer]; !ok {
		delete(r.until, r.ring[r.next])
		r.ring[r.next] = issuer
		r.next = (r.next + 1) % len(r.ring)
	}
	r.until[issuer] = until
}

// remove forgets an issuer. Its place in the ring is kept for the text, which may come again: so it is only made invalid.
func (r *refusals) remove(issuer string) {
	if _, ok := r.until[issuer]; ok {
		r.until[issuer] = time.Time{}
	}
}
