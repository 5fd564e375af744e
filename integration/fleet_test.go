package integration

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

func TestMain(m *testing.M) {
	if os.Getenv(asService) != "" { // the test binary is the service too: nothing is compiled twice
		if err := serve(); err != nil {
			log.Fatal(err)
		}
		return
	}
	// These tests wait for leases and pauses: how many run side by side does not depend on the number of processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := m.Run()
	dbserver.StopAll()
	os.Exit(code)
}

// callTimeout is the services' Timeout: a lease lasts ten seconds longer.
const callTimeout = 2 * time.Second

// fleet is three instances of one service on one store, and their provider.
type fleet struct {
	t         *testing.T
	idp       *oidctest.Provider
	env       []string
	instances []*instance
}

// instance is one process.
type instance struct {
	fleet   *fleet
	process *exec.Cmd
	base    string
	log     strings.Builder // complete when it has ended
	ended   chan struct{}   // closed then
	err     error           // with which it ended
}

// newFleet starts one in broker mode.
func newFleet(t *testing.T, storeURL string, options ...oidctest.Option) *fleet {
	t.Helper()
	return newFleetIn(t, nil, storeURL, options...)
}

// newFleetIn starts one with more in its environment.
func newFleetIn(t *testing.T, env []string, storeURL string, options ...oidctest.Option) *fleet {
	t.Helper()
	idp := oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, options...)...)
	f := &fleet{t: t, idp: idp, env: append(os.Environ(), asService+"=1",
		"DISCOVERY_URL="+idp.DiscoveryURL(), "CLIENT_ID="+oidctest.ConfidentialClient, "CLIENT_SECRET="+oidctest.ClientSecret,
		"PUBLIC_URL=http://localhost:8080/api", "SECRET_KEY=a secret key of the fleet, 32 bytes or more", "STORE_URL="+storeURL, "TIMEOUT="+callTimeout.String())}
	f.env = append(f.env, env...)
	for range 3 {
		f.instances = append(f.instances, f.start())
	}
	for _, i := range f.instances { // many start at once, and their first calls are slow
		eventually(t, time.Minute, "it is ready", func() bool { status, _, _ := i.get("/ready", ""); return status == http.StatusOK })
	}
	return f
}

func (f *fleet) start() *instance {
	f.t.Helper()
	i := &instance{fleet: f, process: exec.Command(os.Args[0]), ended: make(chan struct{})}
	i.process.Env = f.env
	i.process.Stderr = &i.log
	output, err := i.process.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := i.process.Start(); err != nil {
		f.t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = i.process.Wait()
		f.t.Fatalf("the service does not start: %v: %s", err, i.log.String())
	}
	i.base = "http://" + strings.TrimSpace(line)
	go func() {
		defer close(i.ended)
		i.err = i.process.Wait()
	}()
	f.t.Cleanup(i.examine)
	return i
}

// examine ends the process, which may have ended, and reports what the race detector has seen in it.
func (i *instance) examine() {
	_ = i.process.Process.Kill()
	<-i.ended
	if log := i.log.String(); strings.Contains(log, "WARNING: DATA RACE") {
		i.fleet.t.Errorf("an instance has a data race: %s", log)
	}
}

// kill ends the process without a word.
func (i *instance) kill() {
	_ = i.process.Process.Kill()
	if <-i.ended; i.err == nil {
		i.fleet.t.Error("a killed instance ended by itself")
	}
}

// terminate asks it to end, and waits until it has.
func (i *instance) terminate() error {
	_ = i.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.ended:
		return i.err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("it does not end")
	}
}

var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 100},
}

// get asks with a bearer token, unless it is "": the status, the header and the body. Status 0: no answer.
func (i *instance) get(path, bearer string) (int, http.Header, string) {
	request, err := http.NewRequest(http.MethodGet, i.base+path, nil)
	if err != nil {
		return 0, nil, ""
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return answerOf(client.Do(request))
}

func answerOf(response *http.Response, err error) (int, http.Header, string) {
	if err != nil {
		return 0, nil, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, ""
	}
	return response.StatusCode, response.Header, string(text)
}

// login logs a user in as a program on the user's machine does.
func (i *instance) login(user string) core.Token {
	t := i.fleet.t
	t.Helper()
	const redirect = "http://localhost:53100/callback"
	status, header, text := i.get("/api/auth/v2/login?redirect_uri="+url.QueryEscape(redirect), "")
	if status != http.StatusFound {
		t.Fatalf("login: %d %s", status, text)
	}
	back, err := i.fleet.idp.Approve(header.Get("Location"), user)
	if err != nil {
		t.Fatal(err)
	}
	status, token := i.post(url.Values{"code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "code_verifier": {back.Query().Get("state")}})
	if status != http.StatusOK {
		t.Fatalf("token: %d", status)
	}
	return token
}

func (i *instance) refresh(token string) (int, core.Token) {
	return i.post(url.Values{"refresh-token": {token}})
}

func (i *instance) post(form url.Values) (int, core.Token) {
	status, _, text := answerOf(client.PostForm(i.base+"/api/auth/v2/token", form))
	var token core.Token
	if status == http.StatusOK && json.Unmarshal([]byte(text), &token) != nil {
		return 0, token
	}
	return status, token
}

// eventually asks again and again until the answer is yes.
func eventually(t *testing.T, within time.Duration, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}
