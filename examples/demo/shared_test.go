package main

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// sharedDemos are demos that several tests use, one for each framework: a start costs more than most tests. They are closed after
// all tests.
type sharedDemos struct {
	mu    sync.Mutex
	demos map[string]*demo
}

var shared = sharedDemos{demos: make(map[string]*demo)}

// on returns the demo of a framework.
func (s *sharedDemos) on(t *testing.T, framework string) *demo {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.demos[framework] == nil {
		o := anywhere(t, framework)
		var err error
		if o.data, err = os.MkdirTemp("", "oidcauth-demo-test"); err == nil {
			s.demos[framework], err = start(o)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.demos[framework]
}

// close closes all of them and removes their data.
func (s *sharedDemos) close() error {
	var errs []error
	for _, d := range s.demos {
		errs = append(errs, d.close(), os.RemoveAll(d.data))
	}
	return errors.Join(errs...)
}
