package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

// file is a place on disk. SQLite itself opens what is there and makes nothing: it would make files by the umask, which
// others may then read.
type file struct {
	path string
	db   *sql.DB
}

// openFile has some connections, which read at the same time; who writes has to wait for the others.
func openFile(path string) (*Store, error) {
	inURL := filepath.ToSlash(path)
	if !strings.HasPrefix(inURL, "/") { // C:/data
		inURL = "/" + inURL
	}
	db, err := openSource(inURL, "mode", "rw", 4)
	if err != nil {
		return nil, err
	}
	return &Store{sqlstore.Own(db, dialect), &file{path, db}}, nil
}

func (f *file) secretFile() (string, bool) { return f.path + ".key", true }

func (f *file) close() error { return nil }

// prepare makes the file and lets SQLite write into a log beside it, so that readers and the one who writes do not
// wait for each other. The mode is the file's from then on.
func (f *file) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlitestore: open: %w", err)
	}
	if err := f.makeDirectory(); err != nil {
		return err
	}
	if err := f.makeFile(); err != nil {
		return err
	}
	for _, path := range []string{f.path, f.path + "-wal", f.path + "-shm"} {
		if err := private(path); err != nil {
			return err
		}
	}
	return sqlstore.Retry(ctx, dialect, "write-ahead log", func() error {
		_, err := f.db.ExecContext(ctx, `PRAGMA journal_mode = WAL`)
		return err
	})
}

// makeDirectory makes what is missing of the directories, for their owner alone. In one that everybody may write to, and
// in which everybody may put other files in the place of these, nothing is kept.
func (f *file) makeDirectory() error {
	directory := filepath.Dir(f.path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	info, err := os.Stat(directory)
	if err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("sqlitestore: everybody may replace files in %s (mode %04o): run chmod o-w %[1]s", directory, info.Mode().Perm())
	}
	return nil
}

func (f *file) makeFile() error {
	made, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	if err := made.Close(); err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	return nil
}

// private refuses a file that others can open: its sessions are sealed, but who writes into it logs people out, or brings
// sessions back that were revoked. On Windows the rights of the directory are the file's.
func private(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("sqlitestore: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("sqlitestore: %s is no file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("sqlitestore: other users of this machine may open %s (mode %04o): run chmod 600 %[1]s", path, info.Mode().Perm())
	}
	return nil
}
