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

// file is a place on disk. SQLite itself only opens files and creates none: it would create them by the umask, so that
// others might read them.
type file struct {
	path string
	db   *sql.DB
}

// openFile opens a database with four connections, which read at the same time; writers wait for each other.
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

// prepare creates the file and switches its write-ahead log on, which lets readers and the writer work at the same time.
// The database stays in that mode.
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
	if err := f.private(); err != nil {
		return err
	}
	err := sqlstore.Retry(ctx, dialect, "write-ahead log", func() error {
		_, err := f.db.ExecContext(ctx, `PRAGMA journal_mode = WAL`)
		return err
	})
	if err != nil {
		return err
	}
	return f.private() // the log is there now, and another user may have been quicker
}

// makeDirectory creates missing directories, with mode 0700. It refuses one in which somebody else could put other files in
// the place of these: one that everybody may write to, and one of another user. A sticky directory of root's, like /tmp,
// lets nobody do that.
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
	if owner, known := ownerOf(info); known && owner != os.Geteuid() && owner != 0 {
		return fmt.Errorf("sqlitestore: %s belongs to another user (uid %d), who may replace files in it: run chown %d %[1]s, or choose another directory", directory, owner, os.Geteuid())
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

// private checks every file of the database.
func (f *file) private() error {
	for _, path := range []string{f.path, f.path + "-wal", f.path + "-shm"} {
		if err := private(path); err != nil {
			return err
		}
	}
	return nil
}

// private refuses a file of another user, one that others can open, and a link: the sessions in it are sealed, but whoever
// writes to it logs people out, or brings back sessions that were revoked. root is no exception. On Windows the directory's
// permissions are the file's.
func private(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("sqlitestore: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("sqlitestore: %s is a symbolic link: name the file that it leads to", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("sqlitestore: %s is no file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("sqlitestore: other users of this machine may open %s (mode %04o): run chmod 600 %[1]s", path, info.Mode().Perm())
	}
	if owner, known := ownerOf(info); known && owner != os.Geteuid() {
		return fmt.Errorf("sqlitestore: %s belongs to another user (uid %d): if you made it as that user, run chown %d %[1]s, else choose another directory", path, owner, os.Geteuid())
	}
	return nil
}
