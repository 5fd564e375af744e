//go:build !unix

package core

import "io/fs"

// isWide is false: mode bits say nothing here, the folder's access list decides.
func isWide(fs.FileInfo) bool { return false }

// isForeign is false: the folder's access list decides.
func isForeign(fs.FileInfo) bool { return false }
