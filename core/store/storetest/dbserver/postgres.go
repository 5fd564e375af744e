package dbserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var postgres = &kind{name: "PostgreSQL", install: "apt-get install postgresql", start: func(dir string) (*running, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := giveTo("postgres", dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := asUser("postgres", filepath.Join(bin, "initdb"), "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.Dir = "/"
	if text, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, text)
	}
	server := asUser("postgres", filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "max_connections=300")
	server.Dir = "/"
	ready := func(ctx context.Context) error { return psql(ctx, bin, port, "select 1") }
	r, err := launch(dir, server, ready)
	if err != nil {
		return nil, err
	}
	r.Address = address
	return r, nil
}}

// postgresBin finds the newest server, which Debian keeps out of PATH.
func postgresBin() (string, error) {
	if bin := os.Getenv("PG_BIN"); bin != "" {
		return bin, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	initdb, err := exec.LookPath("initdb")
	return filepath.Dir(initdb), err
}

func psql(ctx context.Context, bin, port, statement string) error {
	command := exec.CommandContext(ctx, filepath.Join(bin, "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", port, "-U", "test", "-d", "postgres", "-c", statement)
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// giveTo hands a directory to a user, where this process is root.
func giveTo(user, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server's own user has to come in
		return err
	}
	return exec.Command("chown", user, dir).Run()
}

// PostgreSQL returns the URL of a new database for this test, and the host:port of the server in that URL.
func PostgreSQL(t testing.TB) (url, address string) {
	t.Helper()
	r := postgres.need(t)
	bin, err := postgresBin()
	if err != nil {
		t.Fatal(err)
	}
	name := unique()
	_, port := splitPort(r.Address)
	if err := psql(t.Context(), bin, port, "create database "+name); err != nil {
		t.Fatal(err)
	}
	return "postgres://test@" + r.Address + "/" + name + "?sslmode=disable", r.Address
}
