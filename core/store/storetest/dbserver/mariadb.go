package dbserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var mariadb = &kind{name: "MariaDB", install: "apt-get install mariadb-server", start: func(dir string) (*running, error) {
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		return nil, err
	}
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := giveTo("mysql", dir); err != nil {
		return nil, err
	}
	var as []string
	if os.Geteuid() == 0 {
		as = []string{"--user=mysql"}
	}
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s")
	install := exec.Command("mariadb-install-db", append([]string{"--no-defaults"}, append(as, "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")...)...)
	if text, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, text)
	}
	command := exec.Command(server, append([]string{"--no-defaults"}, append(as, "--datadir="+data, "--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"), "--port="+port,
		"--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-log-bin", "--character-set-server=utf8mb4", "--max-connections=300")...)...)
	r, err := launch(dir, command, func(ctx context.Context) error { return mariadbSays(ctx, socket, "select 1") })
	if err != nil {
		return nil, err
	}
	r.Address, r.dir = address, dir
	if err := mariadbSays(context.Background(), socket, "create user test@'127.0.0.1' identified by 'test'; grant all on *.* to test@'127.0.0.1'"); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}}

func mariadbSays(ctx context.Context, socket, statement string) error {
	if text, err := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-uroot", "-S", socket, "-e", statement).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// MariaDB returns the URL of a new database for this test, with user and password "test", and the host:port of the server in
// that URL.
func MariaDB(t testing.TB) (url, address string) {
	t.Helper()
	r := mariadb.need(t)
	name := unique()
	if err := mariadbSays(t.Context(), filepath.Join(r.dir, "s"), "create database "+name); err != nil {
		t.Fatal(err)
	}
	return "mysql://test:test@" + r.Address + "/" + name, r.Address
}

func splitPort(address string) (host, port string) {
	host, port, _ = net.SplitHostPort(address) // an address of our own
	return host, port
}
