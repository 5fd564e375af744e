//go:build !unix

package core

import "io/fs"

// isWide is false: mode bits mean nothing on this platform, the folder's access list decides.
func isWide(fs.FileInfo) bool { return false }

// isForeign is false: the folder's access list decides.
func isForeign(fs.FileInfo) bool { return false }
