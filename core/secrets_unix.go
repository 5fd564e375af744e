//go:build unix

package core

import "io/fs"

// isWide reports whether a file is open to anybody but its owner.
func isWide(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
