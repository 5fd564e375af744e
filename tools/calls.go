package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A remoteCall is a method that a program calls on itself with its argument, and the expected result.
type remoteCall struct {
	method, bearer string
	refused        bool   // the exit status is not 0
	output         string // a part of it
}

// tryCalls runs a program whose handlers are not behind HTTP: it serves without an argument, its methods on GRPC_ADDR and the routes for logins
// on ADDR, and with the name of a method it is a client that calls it with TOKEN. It runs without a provider, and then with one.
func tryCalls(ctx context.Context, dir string, env []string, binary string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	outage, err := noProvider()
	if err != nil {
		return err
	}
	idp, err := startProvider(ctx, dir, env)
	if err != nil {
		return err
	}
	withoutToken := remoteCall{method: "Me", refused: true, output: "Bearer realm="}
	for name, run := range map[string]struct {
		idp   provider
		login int
		calls []remoteCall
	}{
		"without a provider": {outage, http.StatusServiceUnavailable, []remoteCall{withoutToken}},
		"with a provider":    {idp, http.StatusFound, []remoteCall{withoutToken, {method: "Me", bearer: idp.Bearer, output: "alice"}}},
	} {
		if err := tryCallsAt(ctx, binary, run.idp, run.login, run.calls); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// tryCallsAt runs a program with a provider. login is the status of its login route.
func tryCallsAt(ctx context.Context, binary string, idp provider, login int, calls []remoteCall) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	methods, err := freeAddress()
	if err != nil {
		return err
	}
	return runProgram(ctx, binary, address, idp, func(base string) error {
		if err := converse(ctx, base, []exchange{{path: loginRoute + "?redirect_uri=" + base + callbackRoute, status: login}}); err != nil {
			return err
		}
		for _, c := range calls {
			cmd := exec.CommandContext(ctx, binary, c.method)
			cmd.Env = append(os.Environ(), "GRPC_ADDR="+methods, "TOKEN="+strings.TrimPrefix(c.bearer, "Bearer "))
			output, err := cmd.CombinedOutput()
			if (err != nil) != c.refused || !strings.Contains(string(output), c.output) {
				return fmt.Errorf("%s %s: %w: %s; want %q", binary, c.method, cmp.Or(err, errors.New("no error")), output, c.output)
			}
		}
		return nil
	}, "GRPC_ADDR="+methods)
}
