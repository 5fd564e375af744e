// Package dbserver starts throwaway database servers for tests: on loopback, on a free port, one of each kind per test
// binary. Let TestMain call [Main], which stops them. If a database is not installed, the test is skipped, or fails if the
// environment variable CI is true. Safe for concurrent use.
package dbserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// kind is one database server, started when first asked for.
type kind struct {
	name    string
	install string // the command that installs it
	start   func(dir string) (*running, error)

	once sync.Once
	up   *running
	err  error
}

// running is a started server.
type running struct {
	Address string // host:port
	log     string
	process *exec.Cmd
	dir     string
}

// need starts the server once and returns it; the test skips or fails when it cannot be had.
func (k *kind) need(t testing.TB) *running {
	t.Helper()
	k.once.Do(func() {
		dir, err := os.MkdirTemp("", "dbserver-")
		if err != nil {
			k.err = err
			return
		}
		if k.up, k.err = k.start(dir); k.err != nil {
			_ = os.RemoveAll(dir)
			return
		}
		k.up.dir = dir
		remember(k.up)
	})
	if k.err == nil {
		return k.up
	}
	Missing(t, fmt.Sprintf("%s is not tested: %v", k.name, k.err), k.install)
	return nil
}

// Missing skips a test because something is not installed, or fails it if the environment variable CI is true. what says what is
// missing, install is the command that installs it.
func Missing(t testing.TB, what, install string) {
	t.Helper()
	text := fmt.Sprintf("*** %s; install it with: %s ***", what, install)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

var started struct {
	sync.Mutex
	servers []*running
}

func remember(r *running) {
	started.Lock()
	defer started.Unlock()
	started.servers = append(started.servers, r)
}

// Main runs the tests of a package, stops the servers and exits. Call it in TestMain.
func Main(m *testing.M) {
	code := m.Run()
	StopAll()
	os.Exit(code)
}

// StopAll stops every server that this process has started.
func StopAll() {
	started.Lock()
	defer started.Unlock()
	for _, r := range started.servers {
		r.stop()
	}
	started.servers = nil
}

// stop ends a server at once, by the group that it was started in: nothing of it is kept.
func (r *running) stop() {
	_ = syscall.Kill(-r.process.Process.Pid, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = r.process.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-r.process.Process.Pid, syscall.SIGKILL)
		<-done
	}
	_ = os.RemoveAll(r.dir)
}

// launch starts a command in a group of its own, its output in a file, and waits until ready says so.
func launch(dir string, command *exec.Cmd, ready func(context.Context) error) (*running, error) {
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()
	command.Stdout, command.Stderr = output, output
	// Pdeathsig would follow the thread that started it, which ends before the process does; StopAll ends the group.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	r := &running{process: command, log: output.Name()}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return r, nil
		}
		select {
		case <-ctx.Done():
			r.stop()
			return nil, fmt.Errorf("it does not start: %w (%s)", err, lastLine(r.log))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func lastLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	last := ""
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		last = scanner.Text()
	}
	return last
}

// freeAddress returns a loopback address that nothing listens on just now.
func freeAddress() (address, port string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = listener.Close() }()
	address = listener.Addr().String()
	_, port, err = net.SplitHostPort(address)
	return address, port, err
}

// answers reports whether something listens at an address.
func answers(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err
	}
}

// asUser puts a command under another user where this process is root, which database servers refuse to run as.
func asUser(user, name string, args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		return exec.Command(name, args...)
	}
	return exec.Command("runuser", append([]string{"-u", user, "--", name}, args...)...)
}

var serial struct {
	sync.Mutex
	n int
}

// unique returns a name for one test's database.
func unique() string {
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return fmt.Sprintf("t%d_%d", os.Getpid(), serial.n)
}
