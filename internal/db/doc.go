// Package db is the seam between the program and its database: SQLite inside
// the process, or PostgreSQL 15 and later.
//
// # One text of SQL
//
// Every statement is written once, in PostgreSQL's dialect with $n parameters.
// On SQLite a handful of its forms are rewritten when the statement is prepared
// (see dialect.go); what cannot be expressed that way, which is text search and
// the bulk load, asks [DB.Engine].
//
// # Reading and writing
//
// [DB.Read] runs a function against one connection; on SQLite all its queries
// see one snapshot. [DB.Write] runs a function in a transaction whose time is
// frozen ([Tx.Now]). The function of Write
//
//   - may run twice (a deadlock on PostgreSQL, a broken batch on SQLite) and so
//     touches nothing but the transaction and variables it sets anew;
//   - makes no network call and waits for nobody;
//   - finishes reading the rows of one query before it starts the next.
//
// When Write returns nil the change is durable.
//
// # SQLite
//
// One connection writes; it begins IMMEDIATE, and whatever arrives while a
// commit is being synced shares the next one (sqlite_writer.go). Four read-only
// connections serve the reads. The write-ahead log is written in large pieces
// (sqlite_vfs.go) and emptied behind a gate that keeps readers out for some
// milliseconds (sqlite_checkpoint.go).
//
// # Values
//
// Times are UTC with microseconds: timestamptz on PostgreSQL, integer
// microseconds since 1970 on SQLite. Booleans are boolean and 0/1. Lists of
// numbers or texts are arrays and JSON. Go code sees time.Time, bool and slices
// on both; the codecs are in sqlite_values.go and postgres_values.go.
package db
