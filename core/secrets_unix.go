//go:build unix

package core

import (
	"io/fs"
	"os"
	"syscall"
)

// isWide reports whether users other than the owner may open a file.
func isWide(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// isForeign reports whether a file belongs to another user than the one who runs this process, even if that is root: another
// user who put the file into a shared folder such as /tmp knows its contents.
func isForeign(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) != os.Geteuid()
}
