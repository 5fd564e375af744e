package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asDemo in the environment makes this test binary run the demo, so that signals reach a real process.
const asDemo = "OIDCAUTH_TEST_AS_DEMO"

func TestMain(m *testing.M) {
	if os.Getenv(asDemo) != "" {
		main()
		return
	}
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "the shared demos do not end:", err)
		code = 1
	}
	os.Exit(code)
}

func TestSignalsEndTheDemo(t *testing.T) {
	signals := map[string]os.Signal{"gin": os.Interrupt} // a framework sees no difference
	for framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			signal, found := signals[framework]
			if !found {
				signal = syscall.SIGTERM
			}
			testSignal(t, framework, signal)
		})
	}
}

func testSignal(t *testing.T, framework string, signal os.Signal) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-framework", framework, "-addr", "127.0.0.1:0", "-provider", "127.0.0.1:0", "-data", t.TempDir())
	cmd.Env = append(os.Environ(), asDemo+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stdout)
	addresses := readAddresses(t, said)
	for _, address := range addresses { // a connection is open, and idle, when the signal comes
		answer, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, said)
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("ended with %v, and said %q", err, stderr.String())
	}
	for _, address := range addresses {
		if answer, err := http.Get(address); err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

// readAddresses reads the addresses that the demo prints, up to its last line.
func readAddresses(t *testing.T, said *bufio.Reader) []string {
	t.Helper()
	var text strings.Builder
	for !strings.Contains(text.String(), "Ctrl-C") {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, text.String())
		}
		text.WriteString(line)
	}
	addresses := regexp.MustCompile(`(?m)^ +(?:service|provider) +(http://127\.0\.0\.1:\d+)`).FindAllStringSubmatch(text.String(), -1)
	if len(addresses) != 3 {
		t.Fatalf("no three addresses in %q", text.String())
	}
	return []string{addresses[0][1] + "/", addresses[2][1] + "/.well-known/openid-configuration"}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"-framework", "net/http"}, {"-addr", "0.0.0.0:8080"}, {"-provider", "192.0.2.1:8081"}, {"gin"}, {"-port", "1"}, {"-peers", "0"}, {"-peers", "3"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // it would run on
		if err := run(ctx, append([]string{"-data", t.TempDir()}, args...), io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
		cancel()
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &help); err != nil || !strings.Contains(help.String(), "gin, echo, echo5, fiber, fiber3, chi or nethttp") {
		t.Errorf("-h: %v, %q", err, help.String())
	}
}
