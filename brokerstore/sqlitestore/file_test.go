package sqlitestore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func onUnix(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode here")
	}
}

// What Init makes is its owner's alone, and stays so when SQLite adds files.
func TestModes(t *testing.T) {
	onUnix(t)
	directory := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(directory, "broker.sqlite")
	opened := storetest.OpenURL(t, "sqlite:///"+path)
	if err := opened.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		filepath.Dir(directory): 0o700, directory: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		if got := mode(t, name); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if err := opened.Init(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

// A file that others can open is refused, with its name and what to do.
func TestOpenToOthers(t *testing.T) {
	onUnix(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for _, bits := range []fs.FileMode{0o640, 0o604, 0o620, 0o602} {
			path := newFile(t)
			if err := os.WriteFile(path+suffix, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path+suffix, bits); err != nil {
				t.Fatal(err)
			}
			err := storetest.OpenURL(t, "sqlite:///"+path).Init(t.Context())
			if err == nil || !strings.Contains(err.Error(), "run chmod 600 "+path+suffix) {
				t.Errorf("%s with mode %o: %v", suffix, bits, err)
			}
		}
	}
}

func TestDirectoryOpenToAll(t *testing.T) {
	onUnix(t)
	for bits, fine := range map[fs.FileMode]bool{0o777: false, 0o702: false, 0o777 | fs.ModeSticky: true, 0o775: true} {
		directory := t.TempDir()
		if err := os.Chmod(directory, bits); err != nil {
			t.Fatal(err)
		}
		err := storetest.OpenURL(t, "sqlite:///"+filepath.Join(directory, "x.db")).Init(t.Context())
		if fine != (err == nil) || !fine && !strings.Contains(err.Error(), "chmod o-w "+directory) {
			t.Errorf("a directory with mode %v: %v", bits, err)
		}
	}
}

// asRoot skips a test that gives files to another user, and returns the id of one.
func asRoot(t *testing.T) (otherUser int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	return 65534
}

// A file of another user's is refused, as in a folder like /tmp, with its name and what to do.
func TestFileOfAnotherUser(t *testing.T) {
	other := asRoot(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		path := newFile(t)
		if err := errors.Join(os.Chmod(filepath.Dir(path), 0o777|fs.ModeSticky), os.WriteFile(path+suffix, nil, 0o600), os.Chown(path+suffix, other, other)); err != nil {
			t.Fatal(err)
		}
		err := storetest.OpenURL(t, "sqlite:///"+path).Init(t.Context())
		if err == nil || !strings.Contains(err.Error(), path+suffix+" belongs to another user (uid 65534)") || !strings.Contains(err.Error(), "run chown 0 "+path+suffix) {
			t.Errorf("%q: %v", suffix, err)
		}
	}
}

// A folder of another user's is refused: its owner may replace what is in it.
func TestDirectoryOfAnotherUser(t *testing.T) {
	other := asRoot(t)
	path := newFile(t)
	if err := os.Chown(filepath.Dir(path), other, other); err != nil {
		t.Fatal(err)
	}
	if err := storetest.OpenURL(t, "sqlite:///"+path).Init(t.Context()); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)+" belongs to another user") {
		t.Error(err)
	}
}

// A symbolic link in the place of a file is refused, whether it leads somewhere or not; one in the place of a folder is not.
func TestLinks(t *testing.T) {
	onUnix(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for _, dead := range []bool{true, false} {
			path := newFile(t)
			target := newFile(t)
			if !dead {
				if err := os.WriteFile(target, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(target, path+suffix); err != nil {
				t.Fatal(err)
			}
			err := storetest.OpenURL(t, "sqlite:///"+path).Init(t.Context())
			if err == nil || !strings.Contains(err.Error(), path+suffix+" is a symbolic link") {
				t.Errorf("%q, dead %t: %v", suffix, dead, err)
			}
			if info, err := os.Stat(target); err == nil && info.Size() > 0 {
				t.Errorf("%q: something was written where the link leads", suffix)
			}
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := storetest.OpenURL(t, "sqlite:///"+filepath.Join(link, "x.db")).Init(t.Context()); err != nil {
		t.Error(err)
	}
}

// No method but Init makes a file.
func TestNoFileBeforeInit(t *testing.T) {
	path := newFile(t)
	opened := storetest.OpenURL(t, "sqlite:///"+path)
	if _, err := opened.Keys(t.Context()); err == nil {
		t.Error("keys before Init")
	}
	if err := opened.AddKey(t.Context(), store.Key{Generation: 1}); err == nil {
		t.Error("a key was added before Init")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

// write is something that has to write.
func write(ctx context.Context, opened store.Store) error {
	return opened.PutSession(ctx, store.Session{ID: "id", Data: make([]byte, 256<<10), Version: 1})
}

// Places where no database can be: errors, at once.
func TestUnusable(t *testing.T) {
	directory := t.TempDir()
	for name, content := range map[string]string{"garbage": strings.Repeat("no database ", 1000), "file": ""} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(directory, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"garbage", "directory", "file/below/x.db"} {
		opened := storetest.OpenURL(t, "sqlite:///"+filepath.Join(directory, path))
		if err := opened.Init(t.Context()); err == nil {
			t.Errorf("%s: Init worked", path)
		}
		if err := write(t.Context(), opened); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: writing: %v", path, err)
		}
	}
}

// A database that can only be read answers reads, and says of the rest that it failed. One that is full, too.
func TestReadOnlyAndFull(t *testing.T) {
	for name, pragma := range map[string]string{"read-only": "PRAGMA query_only = 1", "full": "PRAGMA max_page_count = 1"} {
		db := handle(t, newFile(t))
		db.SetMaxOpenConns(1)
		opened := sqlitestore.New(db)
		if err := opened.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), opened); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: writing: %v", name, err)
		}
		if keys, err := opened.Keys(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("%s: reading: %v, %v", name, keys, err)
		}
	}
}

// Another process has the database for itself. Whoever waits, does so no longer than the context, or a moment more.
func TestLocked(t *testing.T) {
	path := newFile(t)
	opened, other := storetest.OpenURL(t, "sqlite:///"+path), handle(t, path)
	if err := opened.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := write(ctx, opened); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("writing: %v", err)
	}
	if keys, err := opened.Keys(t.Context()); err != nil {
		t.Errorf("reading: %v, %v", keys, err)
	}
	done := make(chan error, 1)
	go func() { done <- write(t.Context(), opened) }()
	if _, err := tx.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("writing afterwards: %v", err)
	}
}
