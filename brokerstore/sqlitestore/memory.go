package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

// memory is a place that ends with the last connection to it, which is the anchor. SQLite's own name for a connection
// without a file would be a place of its own for each connection, and one that a cancelled statement takes with it.
type memory struct {
	db     *sql.DB
	mu     sync.Mutex
	anchor *sql.Conn
}

// databases numbers those of this process: those of one name are one.
var databases atomic.Uint64

// openMemory has two connections, the anchor and one that works: nothing waits for another connection in the database.
func openMemory() (*Store, error) {
	db, err := openSource("/oidcauth-"+strconv.FormatUint(databases.Add(1), 10), "vfs", "memdb", 2)
	if err != nil {
		return nil, err
	}
	return &Store{sqlstore.Own(db, dialect), &memory{db: db}}, nil
}

func (m *memory) prepare(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anchor != nil {
		return nil
	}
	anchor, err := m.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlitestore: open: %w", err)
	}
	m.anchor = anchor
	return nil
}

func (m *memory) secretFile() (string, bool) { return "", true }

func (m *memory) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anchor == nil {
		return nil
	}
	anchor := m.anchor
	m.anchor = nil
	return anchor.Close()
}
