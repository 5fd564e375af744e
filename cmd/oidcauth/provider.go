package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const aboutProvider = `provider starts an OpenID provider for trying out, with the users alice (an administrator), bob and carol, and prints the environment lines
for an application that logs in there. It listens on loopback only, keeps everything in memory, and ends with Ctrl-C.`

// provider runs the test provider until ctx ends.
func provider(ctx context.Context, args []string, s streams) error {
	p, err := readProvider(args, s)
	if err != nil {
		return err
	}
	idp, err := start(p)
	if err != nil {
		return err
	}
	if err := announce(s, p, idp); err != nil {
		return errors.Join(err, idp.Close())
	}
	<-ctx.Done()
	return idp.Close()
}

// readProvider reads the flags, and the file that they name. Flags override single values of the file, and add to its lists.
func readProvider(args []string, s streams) (*providerFile, error) {
	var file string
	var users, clients, resources, audience, redirects, acr list
	var scopes words
	var own providerFile
	flags := newFlags("provider", aboutProvider)
	flags.StringVar(&file, "file", "", "a JSON file with the settings, see the README of this command")
	flags.StringVar(&own.Address, "addr", "", "the address on loopback, the next free port if it is in use (default "+defaultAddress+")")
	flags.StringVar(&own.PublicURL, "public-url", "", "PUBLIC_URL of the application (default "+defaultPublicURL+")")
	flags.StringVar(&own.Lines, "lines", "", "how to print the environment: sh, powershell, or env for a file (default sh, on Windows powershell)")
	flags.StringVar(&own.Password, "password", "", "the password of every user who has no other; none: a button is enough")
	flags.BoolVar(&own.Consent, "consent", false, "ask users what the client may do")
	flags.BoolVar(&own.Opaque, "opaque", false, "issue access tokens that are not JWTs")
	flags.Var(&users, "user", "one more user: NAME or NAME:PASSWORD; may be repeated")
	flags.Var(&clients, "client", "a client instead of the built-in app: ID or ID:SECRET, without a secret a public one; may be repeated")
	flags.Var(&redirects, "redirect-uri", "one more redirect URI of every client; may be repeated; http on loopback with a path that ends in /callback is registered anyway")
	flags.Var(&audience, "audience", "the audience of every client's access tokens; may be repeated; none: the client's id")
	flags.Var(&scopes, "scope", "a scope that is offered beside openid; may be repeated; none: all are")
	flags.Var(&resources, "resource", "a service for which clients may request access tokens with the parameter resource (RFC 8707); may be repeated")
	flags.Var(&acr, "acr", "a level of logins, the claim acr, the lowest first; may be repeated; acr_values asks for one of them (default none)")
	flags.DurationVar((*time.Duration)(&own.TokenTTL), "token-ttl", 0, "the lifetime of access tokens and ID tokens (default 5m)")
	if err := parse(flags, args, s.out); err != nil {
		return nil, err
	}
	p := new(providerFile)
	if file != "" {
		if err := p.read(file); err != nil {
			return nil, &usageError{err}
		}
	}
	p.override(&own)
	p.Scopes, p.Resources, p.ACR = append(p.Scopes, scopes...), append(p.Resources, resources...), append(p.ACR, acr...)
	for _, text := range clients {
		id, secret, _ := strings.Cut(text, ":")
		p.Clients = append(p.Clients, client{ID: id, Secret: secret})
	}
	for _, text := range users {
		name, password, _ := strings.Cut(text, ":")
		p.more = append(p.more, user{Name: name, Password: password})
	}
	p.complete(redirects, audience)
	if err := p.check(); err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

// manyPorts is how many ports are tried if the first is in use.
const manyPorts = 20

// start starts the provider at its address, or at the next free port.
func start(p *providerFile) (*oidctest.Provider, error) {
	host, text, err := net.SplitHostPort(p.Address)
	if err != nil {
		return nil, misused("-addr: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, misused("-addr: %q is not a port", text)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, misused("-addr: %s is not loopback: everybody could log in. Write 127.0.0.1:%d", host, port)
	}
	last := min(port+manyPorts, 1<<16-1)
	for ; ; port++ {
		idp, err := oidctest.Start(append(p.options(), oidctest.WithAddress(net.JoinHostPort(host, strconv.FormatUint(port, 10))))...)
		if err == nil {
			for _, more := range p.more {
				idp.AddUser(more.user())
			}
		}
		if !errors.Is(err, syscall.EADDRINUSE) || port >= last {
			return idp, err
		}
	}
}

// announce prints the environment, and for the person what is running where.
func announce(s streams, p *providerFile, idp *oidctest.Provider) error {
	lines, err := p.environment(idp.DiscoveryURL())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(s.out, lines); err != nil {
		return err
	}
	text := "\nThe provider runs at " + idp.Issuer()
	if at := strings.TrimPrefix(idp.Issuer(), "http://"); at != p.Address && !strings.HasSuffix(p.Address, ":0") {
		text += ", because " + p.Address + " is in use"
	}
	text += ".\nPaste the lines above into the shell of your application, and start it there. Ctrl-C ends the provider.\n"
	_, err = fmt.Fprint(s.err, text)
	return err
}
