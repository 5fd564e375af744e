package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The routes that every program of the adapters' READMEs has.
const (
	guardedRoute  = "/me"
	loginRoute    = "/auth/v2/login"
	callbackRoute = "/auth/v2/callback"
)

// providerSource is a program that runs the provider of core/oidctest. It is built with the packed core, like a user's test.
//
//go:embed provider.go.txt
var providerSource []byte

// A provider holds the settings of a running provider that a program needs.
type provider struct {
	Discovery    string
	ClientID     string
	ClientSecret string
	Bearer       string // an Authorization value that a guard admits
}

// issuer returns how the provider's addresses begin.
func (p provider) issuer() string {
	return strings.TrimSuffix(p.Discovery, ".well-known/openid-configuration")
}

// startProvider builds and starts the provider in the module at dir. It stops when ctx ends, and with this process.
func startProvider(ctx context.Context, dir string, env []string) (provider, error) {
	at := filepath.Join(dir, "provider")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return provider{}, err
	}
	if err := os.WriteFile(filepath.Join(at, "main.go"), providerSource, 0o644); err != nil {
		return provider{}, err
	}
	binary := filepath.Join(at, "provider")
	if err := goRun(dir, env, "build", "-o", binary, "./provider"); err != nil {
		return provider{}, err
	}
	cmd := exec.CommandContext(ctx, binary)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // never written to: its end is the end of this process
		return provider{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return provider{}, err
	}
	if err := cmd.Start(); err != nil {
		return provider{}, err
	}
	var p provider
	if err := json.NewDecoder(out).Decode(&p); err != nil {
		return provider{}, fmt.Errorf("the provider does not print its address: %w", err)
	}
	return p, nil
}

// noProvider returns the settings of a provider that does not answer.
func noProvider() (provider, error) {
	nobody, err := freeAddress()
	return provider{Discovery: "http://" + nobody + "/.well-known/openid-configuration", ClientID: "app", ClientSecret: "secret"}, err
}

// An exchange is a request to a program and the expected answer.
type exchange struct {
	path, authorization string
	accept              string // of a browser: text/html
	status              int
	header, begins      string // a header and how it begins
	body                string // a part of it
}

// tryProgram runs a program of an adapter's README without a provider, where it must still start, and then with one.
func tryProgram(ctx context.Context, dir string, env []string, binary string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	outage, err := noProvider()
	if err != nil {
		return err
	}
	callback := "http://" + address + callbackRoute
	login := loginRoute + "?redirect_uri=" + url.QueryEscape(callback)
	err = runProgram(ctx, binary, address, outage, func(base string) error {
		return converse(ctx, base, []exchange{
			{path: guardedRoute, status: http.StatusUnauthorized, header: "WWW-Authenticate", begins: "Bearer"},
			{path: login, status: http.StatusServiceUnavailable, header: "Content-Type", begins: "application/json", body: `"detail"`},
		})
	})
	if err != nil {
		return fmt.Errorf("without a provider: %w", err)
	}
	idp, err := startProvider(ctx, dir, env)
	if err != nil {
		return err
	}
	err = runProgram(ctx, binary, address, idp, func(base string) error {
		return converse(ctx, base, []exchange{
			{path: guardedRoute, status: http.StatusUnauthorized, header: "WWW-Authenticate", begins: "Bearer"},
			{path: guardedRoute, authorization: idp.Bearer, status: http.StatusOK, body: "alice"},
			{path: login, status: http.StatusFound, header: "Location", begins: idp.issuer()},
		})
	})
	if err != nil {
		return fmt.Errorf("with a provider: %w", err)
	}
	return nil
}

// runProgram starts a program, waits until it answers, calls try with its address, and ends it. env has further variables of the program.
func runProgram(ctx context.Context, binary, address string, idp provider, try func(base string) error, env ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, binary)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(),
		"DISCOVERY_URL="+idp.Discovery,
		"CLIENT_ID="+idp.ClientID,
		"CLIENT_SECRET="+idp.ClientSecret,
		"SECRET_KEY="+rand.Text()+rand.Text(),
		"PUBLIC_URL=http://"+address,
		"ADDR="+address,
		"XDG_DATA_HOME="+filepath.Dir(binary),
	)
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed below, unless it has ended before
		cancel()
		close(ended)
	}()
	err := awaitAnswer(ctx, "http://"+address)
	if err == nil {
		err = try("http://" + address)
	}
	cancel()
	<-ended
	if err != nil {
		return fmt.Errorf("%w\nthe program printed:\n%s", err, output.String())
	}
	return nil
}

// awaitAnswer waits until base answers.
func awaitAnswer(ctx context.Context, base string) error {
	for {
		_, err := get(ctx, base+guardedRoute, "", "")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("the program has ended or does not listen on ADDR"), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// converse runs the exchanges.
func converse(ctx context.Context, base string, exchanges []exchange) error {
	for _, e := range exchanges {
		got, err := get(ctx, base+e.path, e.authorization, e.accept)
		if err != nil {
			return err
		}
		value := got.header.Get(e.header)
		if got.status != e.status || !strings.HasPrefix(value, e.begins) || !strings.Contains(got.body, e.body) {
			return fmt.Errorf("GET %s: %d, %s %q, body %q; want %d, a header that begins with %q, a body with %q",
				e.path, got.status, e.header, value, got.body, e.status, e.begins, e.body)
		}
	}
	return nil
}

type answer struct {
	status int
	header http.Header
	body   string
}

func get(ctx context.Context, address, authorization, accept string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := http.DefaultTransport.RoundTrip(request) // a redirect is an answer
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// freeAddress returns an unused loopback address.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
