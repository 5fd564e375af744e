package session

import (
	"crypto/sha256"
	"strconv"
	"testing"
)

// owners has at most maxOwners entries: the newest ones.
func TestOwnersAreBounded(t *testing.T) {
	var o owners
	who := sha256.Sum256([]byte("alice"))
	o.remember("", who)
	for i := range maxOwners + 10 {
		o.remember(strconv.Itoa(i), who)
		o.remember(strconv.Itoa(i), who)
	}
	_, first := o.of("9")
	_, next := o.of("10")
	_, last := o.of(strconv.Itoa(maxOwners + 9))
	if first || !next || !last || len(o.known) != maxOwners || len(o.ring) != maxOwners {
		t.Errorf("%v, %v, %v: %d known", first, next, last, len(o.known))
	}
}
