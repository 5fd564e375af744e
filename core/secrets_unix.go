//go:build unix

package core

import (
	"io/fs"
	"os"
	"syscall"
)

// isWide reports whether anybody but the owner may open a file.
func isWide(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// isForeign reports whether a file belongs to another user than the one who runs this process. root is no exception: a file
// that somebody else has put into a folder like /tmp is one that they know.
func isForeign(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) != os.Geteuid()
}
