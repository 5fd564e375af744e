package mcp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// limit is how long a program may take to say something.
const limit = 60 * time.Second

// program is a client in another language. It reads and writes lines of JSON, as nodejs/mcp.mjs says.
type program struct {
	person

	input  *json.Encoder
	output <-chan []byte
	log    *bytes.Buffer // read when the program has ended
	end    func()
}

func typeScript(t *testing.T, endpoint, clientID string) client {
	t.Helper()
	return startProgram(t, parts.Node(t, "mcp.mjs", endpoint, clientID, redirect))
}

func python(t *testing.T, endpoint, clientID string) client {
	t.Helper()
	return startProgram(t, parts.Python(t, parts.PythonMCP, "mcp_client.py", endpoint, clientID, redirect))
}

func startProgram(t *testing.T, command *exec.Cmd) *program {
	t.Helper()
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{person: person{agent: app.NewAgent()}, input: json.NewEncoder(input), log: new(bytes.Buffer)}
	command.Stderr = p.log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan []byte)
	done := make(chan struct{})
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			select {
			case lines <- bytes.Clone(scanner.Bytes()):
			case <-done:
				return
			}
		}
	}()
	p.output = lines
	ended := false
	p.end = func() {
		if !ended {
			ended = true
			close(done)
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	}
	t.Cleanup(p.end)
	return p
}

func (p *program) call(t *testing.T, tool string, arguments map[string]any) answer {
	t.Helper()
	p.send(t, map[string]any{"tool": tool, "arguments": arguments})
	for {
		var said struct {
			answer

			Open string `json:"open"`
		}
		if err := json.Unmarshal(p.next(t), &said); err != nil {
			t.Fatal(err)
		}
		if said.Open == "" {
			said.logins = p.noted()
			return said.answer
		}
		if len(p.logins) == 5 {
			p.fail(t, "logins without end")
		}
		p.send(t, map[string]any{"back": p.login(t, said.Open)})
	}
}

func (p *program) send(t *testing.T, value any) {
	t.Helper()
	if err := p.input.Encode(value); err != nil {
		p.fail(t, err.Error())
	}
}

func (p *program) next(t *testing.T) []byte {
	t.Helper()
	select {
	case line, ok := <-p.output:
		if ok {
			return line
		}
		p.fail(t, "the client has ended")
	case <-time.After(limit):
		p.fail(t, "the client says nothing")
	}
	return nil
}

func (p *program) fail(t *testing.T, why string) {
	t.Helper()
	p.end()
	t.Fatalf("%s: %s", why, p.log)
}
