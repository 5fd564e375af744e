package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"sync"
)

// recorder notes the statements that a handle carries out, with the arguments of their last time.
type recorder struct {
	mu   sync.Mutex
	seen map[string][]any
}

func (r *recorder) note(text string, args []driver.NamedValue) {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[string][]any)
	}
	r.seen[text] = values
}

func (r *recorder) all() map[string][]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.seen)
}

// connector returns a connector whose connections are taken from those of another handle.
func (r *recorder) connector(db *sql.DB) driver.Connector { return recording{db, r} }

type recording struct {
	db *sql.DB
	*recorder
}

// Connect implements [driver.Connector]. A connection of the other handle is never given back: its driver's connection is used here, and
// closed with the handle.
func (r recording) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	recorded := &recordedConn{owner: conn, recorder: r.recorder}
	return recorded, conn.Raw(func(inner any) error {
		recorded.Conn = inner.(driver.Conn)
		return nil
	})
}

// Driver implements [driver.Connector].
func (r recording) Driver() driver.Driver { return r.db.Driver() }

// recordedConn has no methods that carry out a statement at once, so each one is prepared.
type recordedConn struct {
	driver.Conn
	owner *sql.Conn
	*recorder
}

func (c *recordedConn) Close() error { return c.owner.Close() }

func (c *recordedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	inner, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	return &recordedStmt{inner, c, text}, err
}

func (c *recordedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, options)
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (c *recordedConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

type recordedStmt struct {
	driver.Stmt
	conn *recordedConn
	text string
}

var errDriver = errors.New("the driver has no statements with a context")

func (s *recordedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	inner, ok := s.Stmt.(driver.StmtQueryContext)
	if !ok {
		return nil, errDriver
	}
	s.conn.note(s.text, args)
	return inner.QueryContext(ctx, args)
}

func (s *recordedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	inner, ok := s.Stmt.(driver.StmtExecContext)
	if !ok {
		return nil, errDriver
	}
	s.conn.note(s.text, args)
	return inner.ExecContext(ctx, args)
}
