//go:build !unix

package core

import "io/fs"

// isWide cannot be answered by mode bits here: the folder's access list decides.
func isWide(fs.FileInfo) bool { return false }
