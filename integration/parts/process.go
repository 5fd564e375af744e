package parts

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

// Main runs the tests of a package, stops all servers and exits. Call it in TestMain. Unless the environment variable
// OIDCAUTH_INTEGRATION is set, as `make integration` does, it runs no test: they take minutes and download hundreds of megabytes.
func Main(m *testing.M) {
	if os.Getenv("OIDCAUTH_INTEGRATION") == "" {
		fmt.Println("`make integration` runs these tests")
		return
	}
	code := m.Run()
	shared.stop()
	dbserver.StopAll()
	os.Exit(code)
}

// Root returns the folder of the integration module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}

// Missing skips a test because something is not installed, or fails it if the environment variable CI is true. install is the command
// that installs it.
func Missing(t testing.TB, what string, err error, install string) {
	t.Helper()
	dbserver.Missing(t, fmt.Sprintf("%s is not tested: %v", what, err), install)
}

// Process is a running program.
type Process struct {
	Ready map[string]any // the line of JSON that it printed when it was ready, if it does so
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// Start starts a command and waits, up to a minute, until it prints a line of JSON, which says that it is ready. The process stops
// when the test ends.
func Start(t testing.TB, command *exec.Cmd) *Process {
	t.Helper()
	p, err := start(t.TempDir(), command, 60*time.Second)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(command.Path), err)
	}
	t.Cleanup(p.Stop)
	return p
}

// start starts a command in a group of its own, so that its children end with it.
func start(dir string, command *exec.Cmd, limit time.Duration) (*Process, error) {
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := launch(dir, command)
	if err != nil {
		return nil, err
	}
	line := make(chan error, 1)
	go func() {
		reader := bufio.NewReader(output)
		text, err := reader.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(text, &p.Ready)
		}
		line <- err
		_, _ = io.Copy(io.Discard, reader)
	}()
	select {
	case err = <-line:
	case <-time.After(limit):
		err = errors.New("it is not ready in time")
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("%w: %s", err, p.Log())
	}
	return p, nil
}

// launch starts a command, its error output in a file.
func launch(dir string, command *exec.Cmd) (*Process, error) {
	log, err := os.CreateTemp(dir, "log-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command.Stderr = log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: command, log: log.Name(), ended: make(chan struct{})}
	go func() { defer close(p.ended); _, _ = command.Process.Wait() }()
	return p, nil
}

// Stop ends the process and its children, and waits for the process. It may be called again.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// Log returns the end of the standard error of the process, at most 4000 bytes.
func (p *Process) Log() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-4000):])
}

// untilAnswers waits until a GET of the address is answered with 200.
func (p *Process) untilAnswers(address string, limit time.Duration) error {
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		if answers(address) {
			return nil
		}
		select {
		case <-p.ended:
			return errors.New("it has ended: " + p.Log())
		default:
		}
		if time.Now().After(end) {
			return errors.New("it is not ready in time: " + p.Log())
		}
	}
}

func answers(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// FreePort returns a port of 127.0.0.1 on which nothing listens at the moment.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
