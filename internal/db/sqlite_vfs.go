package db

import (
	"fmt"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// logBuffer is how much of the write-ahead log is gathered before it is written.
const logBuffer = 256 << 10

// vfsName is the name under which connections ask for [gatheringVFS].
var vfsName = sync.OnceValue(func() string {
	const name = "syncro"
	vfs.Register(name, gatheringVFS{vfs.Find("").(vfs.VFSFilename)})
	return name
})

// gatheringVFS is the file system of SQLite, except that the frames of the
// write-ahead log are written together: SQLite writes each with two system calls,
// which are a sixth of what a transaction costs.
//
// Nobody can miss what is not written yet. Other connections look for a frame
// only once the commit has been announced in shared memory, and with synchronous
// at FULL that is after the log's Sync, which writes the rest. The connection
// itself reads through this file.
type gatheringVFS struct{ vfs.VFSFilename }

// OpenFilename opens a file; a log is gathered.
func (v gatheringVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		file = &gatheringFile{File: file}
	}
	return file, flags, err
}

// gatheringFile keeps what was last written, as long as it is one piece. A part
// that cannot be written is dropped and its error goes to whoever needed it
// written, the commit at the latest.
type gatheringFile struct {
	vfs.File
	pending []byte
	at      int64 // where pending begins in the file
}

// Unwrap gives the file behind.
func (f *gatheringFile) Unwrap() vfs.File { return f.File }

// WriteAt adds to what is pending.
func (f *gatheringFile) WriteAt(p []byte, off int64) (int, error) {
	if off != f.at+int64(len(f.pending)) || len(f.pending)+len(p) > logBuffer {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.at = off
	}
	if len(p) > logBuffer {
		f.at = off + int64(len(p))
		return f.File.WriteAt(p, off)
	}
	f.pending = append(f.pending, p...)
	return len(p), nil
}

func (f *gatheringFile) flush() error {
	if len(f.pending) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.pending, f.at)
	f.at += int64(len(f.pending))
	f.pending = f.pending[:0]
	return err
}

// ReadAt reads what has been written.
func (f *gatheringFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// Size is the size with what is pending.
func (f *gatheringFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Truncate cuts the file.
func (f *gatheringFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Sync makes everything durable.
func (f *gatheringFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

// Close drops the rest: no commit has announced it, and where it would go there
// may be another connection's commit by now.
func (f *gatheringFile) Close() error {
	f.pending = nil
	return f.File.Close()
}

// forgetUndone drops what is pending after a transaction that was rolled back. It
// must not be written any more: another connection may have committed to the same
// place. (A commit leaves nothing pending.)
func forgetUndone(c *sqlite3.Conn) error {
	file, err := c.FileControl("main", sqlite3.FCNTL_JOURNAL_POINTER)
	if err != nil {
		return fmt.Errorf("looking for the log of a transaction that failed: %w", err)
	}
	if f, ok := file.(*gatheringFile); ok {
		f.pending = f.pending[:0]
	}
	return nil
}
