package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const publicURL = "http://localhost:8080/api"

// fleet is the instances of one service, on one store and with one provider.
type fleet struct {
	t     testing.TB
	env   []string
	logs  string // folder of their logs
	count int

	transport *http.Transport            // of the clients
	slots     []atomic.Pointer[instance] // the first one lives from the begin to the end, the others are killed now and then
}

// instance is one process.
type instance struct {
	slot    int
	number  int // of all that were started
	process *exec.Cmd
	base    string
	log     string // file
	ended   chan struct{}
	err     error // with which it ended
	killed  atomic.Bool

	transport *http.Transport
}

func newFleet(t testing.TB, idp *oidctest.Provider, storeURL, logs string) *fleet {
	t.Helper()
	f := &fleet{t: t, logs: logs, transport: newTransport(), slots: make([]atomic.Pointer[instance], 2), env: append(os.Environ(), asService+"=1",
		"DISCOVERY_URL="+idp.DiscoveryURL(), "CLIENT_ID="+oidctest.ConfidentialClient, "CLIENT_SECRET="+oidctest.ClientSecret,
		"SECRET_KEY=a secret key of the fleet, 32 bytes or more", "STORE_URL="+storeURL)}
	for slot := range f.slots {
		f.slots[slot].Store(f.start(slot))
	}
	return f
}

// start starts an instance and waits until it is ready.
func (f *fleet) start(slot int) *instance {
	f.t.Helper()
	f.count++
	i := &instance{slot: slot, number: f.count, transport: f.transport, process: exec.Command(os.Args[0]), ended: make(chan struct{}),
		log: filepath.Join(f.logs, fmt.Sprintf("instance-%d.log", f.count))}
	log, err := os.Create(i.log)
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the process has its own
	i.process.Env, i.process.Stderr = f.env, log
	output, err := i.process.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := i.process.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = i.process.Process.Kill(); <-i.ended })
	line, err := bufio.NewReader(output).ReadString('\n')
	go func() {
		defer close(i.ended)
		i.err = i.process.Wait()
	}()
	if err != nil {
		f.t.Fatalf("the instance does not start: %v: see %s", err, i.log)
	}
	i.base = "http://" + strings.TrimSpace(line)
	for end := time.Now().Add(time.Minute); i.get("/ready", nil) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("the instance is not ready: %v: see %s", i.get("/ready", nil), i.log)
		}
	}
	return i
}

// get reads JSON into a value, unless it is nil.
func (i *instance) get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+path, nil)
	if err != nil {
		return err
	}
	request.Close = true // keeps no goroutine
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// kill ends the process without a word. What has no answer by then gets none.
func (i *instance) kill() error {
	i.killed.Store(true)
	_ = i.process.Process.Kill()
	if <-i.ended; i.err == nil {
		return fmt.Errorf("instance %d ended by itself", i.number)
	}
	return nil
}

// terminate asks it to end, and waits until it has.
func (i *instance) terminate() error {
	_ = i.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.ended:
		return i.err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("instance %d does not end", i.number)
	}
}
