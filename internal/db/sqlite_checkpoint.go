package db

import (
	"time"

	"github.com/ncruces/go-sqlite3"
)

// logLimit is the length of the write-ahead log, in pages of 4 KiB, from which
// it is written back to the database file and emptied.
const logLimit = 8192

// reportLog tells the checkpointer how long the log is, without waiting for it.
func (s *sqlite) reportLog(pages int) {
	if pages < logLimit {
		return
	}
	select {
	case s.logPages <- pages:
	default: // it is at work already
	}
}

// checkpointLoop writes the log back beside readers and the writer, which takes
// a while and disturbs nobody, and then empties it, which needs everybody out
// but is over in milliseconds. Without the second step overlapping readers would
// keep the log from ever starting anew.
func (s *sqlite) checkpointLoop(c *sqliteConn) {
	defer s.loops.Done()
	defer func() { _ = c.close() }() // it only ever copies what the log holds
	for {
		select {
		case <-s.drained:
			s.emptyLog(c)
			return
		case <-s.logPages:
			if _, _, err := c.raw.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE); err == nil {
				s.emptyLog(c)
			}
		}
	}
}

// gateLimit is how long readers are kept waiting for those that still read.
const gateLimit = 50 * time.Millisecond

// emptyLog empties the log while nobody reads or writes. A long read, or one of
// another process, keeps it from that; then the log stays until the next attempt.
func (s *sqlite) emptyLog(c *sqliteConn) {
	idle := make([]*sqliteConn, 0, readers)
	defer func() {
		for _, reader := range idle {
			s.pool <- reader
		}
	}()
	patience := time.NewTimer(gateLimit)
	defer patience.Stop()
	for range readers {
		select {
		case reader := <-s.pool:
			idle = append(idle, reader)
		case <-patience.C:
			return
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = c.raw.BusyTimeout(0)
	_, _, _ = c.raw.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
}
