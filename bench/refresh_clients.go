package main

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// workers is how many clients refresh at the same time, each with its own sessions.
const workers = 8

// The tasks of clients, as indexes into tasks.
const (
	taskRefresh = iota // at the token route
	taskLeast          // the minimum work of a refresh
	taskSwap           // the store's conditional write
	taskWrite          // the bare one
	taskRead           // the bare one
	taskSign
	taskVerify // two signatures
	taskLookup // the store's read
	taskList   // the sessions of a person
	taskEnd    // of all sessions of a person
	taskBareList
)

// task is what clients do. prepare, which may be nil, runs before each measurement and is not measured.
type task struct {
	do      func(*client, context.Context) error
	prepare func(*world, context.Context) error
}

var tasks = []task{
	taskRefresh: {do: (*client).refresh}, taskLeast: {do: (*client).least}, taskSwap: {do: (*client).swap}, taskWrite: {do: (*client).write},
	taskRead: {do: (*client).read}, taskSign: {do: (*client).sign}, taskVerify: {do: (*client).verify},
	taskLookup: {do: (*client).lookup}, taskList: {do: (*client).list}, taskEnd: {do: (*client).end, prepare: (*world).welcome},
	taskBareList: {do: (*client).bareList},
}

// client holds sessions that it refreshes in turn, and the rows of others that it writes.
type client struct {
	*world
	key    *key
	signed string       // the signed part of a token of the service
	check  func() error // of one signature
	tokens []*core.Token
	rows   []store.Session
	next   int
	known  []string // subjects of people whose sessions are listed
	guests []string // subjects of people whose sessions will be ended
}

// newClients makes the clients and logs them in.
func newClients(ctx context.Context, w *world, k *key, sessions int) ([]*client, error) {
	all := make([]*client, workers)
	errs := make([]error, workers)
	check := k.bare(k.token(keycloak(nil)))
	var busy sync.WaitGroup
	for i := range all {
		all[i] = &client{world: w, key: k, check: check}
		busy.Go(func() {
			for len(all[i].rows) < sessions && errs[i] == nil {
				errs[i] = all[i].begin(ctx)
			}
		})
	}
	busy.Wait()
	return all, errors.Join(errs...)
}

// begin adds a session to refresh, and a session to write that has been refreshed, so that its row has all fields.
func (c *client) begin(ctx context.Context) error {
	token, err := c.service.login(ctx)
	if err != nil {
		return err
	}
	c.tokens, c.signed = append(c.tokens, token), token.AccessToken[:strings.LastIndexByte(token.AccessToken, '.')]
	written, err := c.service.login(ctx)
	if err == nil {
		written, err = c.service.refresh(ctx, written)
	}
	if err != nil {
		return err
	}
	id, err := sessionID(written)
	if err != nil {
		return err
	}
	row, err := c.store.Session(ctx, id, time.Now())
	c.rows = append(c.rows, row)
	return err
}

func (c *client) turn() int {
	c.next = (c.next + 1) % len(c.rows)
	return c.next
}

func (c *client) refresh(ctx context.Context) error {
	i := c.turn()
	token, err := c.service.refresh(ctx, c.tokens[i])
	if err == nil {
		c.tokens[i] = token
	}
	return err
}

// least does the minimum work of a refresh.
func (c *client) least(ctx context.Context) error {
	row := &c.rows[c.turn()]
	if err := c.bare.read(ctx, row.ID); err != nil {
		return err
	}
	row.Lease = time.Now().Add(time.Minute)
	if err := c.bare.write(ctx, *row); err != nil {
		return err
	}
	row.Version++
	if err := c.verify(ctx); err != nil {
		return err
	}
	if err := c.sign(ctx); err != nil {
		return err
	}
	return c.writing(row, func() error { return c.bare.write(ctx, *row) })
}

func (c *client) swap(ctx context.Context) error {
	row := &c.rows[c.turn()]
	return c.writing(row, func() error { return c.store.Swap(ctx, *row) })
}

func (c *client) write(ctx context.Context) error {
	row := &c.rows[c.turn()]
	return c.writing(row, func() error { return c.bare.write(ctx, *row) })
}

// writing changes a row as the end of a refresh does: different bytes, because a database may skip equal ones, and a later end
// of the session, which is indexed.
func (c *client) writing(row *store.Session, write func() error) error {
	for _, value := range [][]byte{row.Current, row.Last, row.Data, row.Answer} {
		binary.BigEndian.PutUint64(value, uint64(row.Version))
	}
	row.Expires, row.Lease = row.Expires.Add(time.Millisecond), time.Time{}
	err := write()
	row.Version++
	return err
}

func (c *client) read(ctx context.Context) error { return c.bare.read(ctx, c.rows[c.turn()].ID) }

func (c *client) sign(context.Context) error {
	c.key.signature(c.signed)
	return nil
}

func (c *client) verify(context.Context) error { return errors.Join(c.check(), c.check()) }

// errDone is the error of a task for which a client has nothing left.
var errDone = errors.New("nothing is left to do")

// together returns the nanoseconds per operation over all clients.
func together(ctx context.Context, all []*client, do func(*client, context.Context) error, length time.Duration) (float64, error) {
	var done atomic.Int64
	var busy sync.WaitGroup
	errs := make([]error, len(all))
	begin := time.Now()
	for i, c := range all {
		busy.Go(func() {
			for time.Since(begin) < length && errs[i] == nil {
				if errs[i] = do(c, ctx); errs[i] == nil {
					done.Add(1)
				}
			}
			if errors.Is(errs[i], errDone) {
				errs[i] = nil
			}
		})
	}
	busy.Wait()
	took := time.Since(begin)
	return float64(took.Nanoseconds()) / float64(done.Load()), errors.Join(errs...)
}
