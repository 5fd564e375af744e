package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The routes that every program of the README has.
const (
	guardedRoute = "/me"
	loginRoute   = "/api/auth/v2/login?redirect_uri=http%3A%2F%2Flocalhost%3A53100%2Fcallback"
)

// tryProgram starts a program of the README and asks what can be asked without a provider: no port answers at the
// discovery URL, which is an outage to live with and no reason not to start.
func tryProgram(binary string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	nobody, err := freeAddress()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, binary)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(),
		"DISCOVERY_URL=http://"+nobody+"/.well-known/openid-configuration",
		"CLIENT_ID=app",
		"CLIENT_SECRET=secret",
		"PUBLIC_URL=http://"+address+"/api",
		"ADDR="+address,
	)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed below, unless it ended before
		cancel()
		close(ended)
	}()
	err = firstRequests(ctx, "http://"+address)
	cancel()
	<-ended
	if err != nil {
		return fmt.Errorf("%w\nthe program printed:\n%s", err, output.String())
	}
	return nil
}

// firstRequests asks for a guarded route without a token and for a login while the provider is down.
func firstRequests(ctx context.Context, base string) error {
	if err := waitFor(ctx, base); err != nil {
		return err
	}
	guarded, _, err := get(ctx, base+guardedRoute)
	if err != nil {
		return err
	}
	if guarded.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(guarded.Header.Get("WWW-Authenticate"), "Bearer") {
		return fmt.Errorf("GET %s without a token: %s with WWW-Authenticate %q, not 401 with Bearer", guardedRoute, guarded.Status, guarded.Header.Get("WWW-Authenticate"))
	}
	login, body, err := get(ctx, base+loginRoute)
	if err != nil {
		return err
	}
	if login.StatusCode != http.StatusServiceUnavailable || !json.Valid(body) {
		return fmt.Errorf("GET %s without a provider: %s with the body %q, not 503 with JSON", loginRoute, login.Status, body)
	}
	return nil
}

// waitFor returns when the server at base answers anything at all.
func waitFor(ctx context.Context, base string) error {
	for {
		_, _, err := get(ctx, base+guardedRoute)
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

func get(ctx context.Context, url string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := http.DefaultTransport.RoundTrip(request) // a redirect is an answer
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// freeAddress finds a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
