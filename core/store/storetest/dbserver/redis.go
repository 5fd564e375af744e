package dbserver

import (
	"os/exec"
	"testing"
)

var redis = &kind{name: "Redis", install: "apt-get install redis-server", start: func(dir string) (*running, error) {
	server, err := exec.LookPath("valkey-server")
	if err != nil {
		if server, err = exec.LookPath("redis-server"); err != nil {
			return nil, err
		}
	}
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	r, err := launch(dir, exec.Command(server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir, "--databases", "4096"), answers(address))
	if err != nil {
		return nil, err
	}
	r.Address = address
	return r, nil
}}

// Redis returns the host:port of a server, and the number of a database on it that no other test uses.
func Redis(t testing.TB) (address string, database int) {
	t.Helper()
	r := redis.need(t)
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return r.Address, serial.n % 4096
}
