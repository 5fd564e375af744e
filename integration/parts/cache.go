package parts

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// cached returns a folder of the user's cache that make has filled, now or before. make works in a folder that only then
// gets its name; a lock keeps other processes from doing the same work beside it.
func cached(name string, fill func(dir string) error) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	base = filepath.Join(base, "oidcauth-test")
	if err := os.MkdirAll(base, 0o750); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(base, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // which unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	work, err := os.MkdirTemp(base, "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := fill(work); err != nil {
		return "", err
	}
	return dir, os.Rename(work, dir)
}

// shared are processes that all tests of a package use.
var shared processes

type processes struct {
	sync.Mutex
	list []*Process
	dirs []string
}

func (s *processes) add(p *Process, dir string) {
	s.Lock()
	defer s.Unlock()
	s.list, s.dirs = append(s.list, p), append(s.dirs, dir)
}

// addDir has a folder removed in the end.
func (s *processes) addDir(dir string) {
	s.Lock()
	defer s.Unlock()
	s.dirs = append(s.dirs, dir)
}

func (s *processes) stop() {
	s.Lock()
	defer s.Unlock()
	for _, p := range s.list {
		p.Stop()
	}
	for _, dir := range s.dirs {
		_ = os.RemoveAll(dir)
	}
	s.list, s.dirs = nil, nil
}
