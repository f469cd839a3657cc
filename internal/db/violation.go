package db

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// ViolationKind says which sort of constraint a write broke.
type ViolationKind uint8

// The kinds of constraint.
const (
	Unique ViolationKind = iota + 1
	ForeignKey
	Check
)

// Violation is a broken constraint, in one form for both engines.
type Violation struct {
	Kind ViolationKind
	// Columns are those of a unique constraint as "table.column,column"; SQLite
	// does not say which foreign key or check it was, so they have none.
	Columns string
}

// ViolationOf tells which constraint an error is about, if it is about one.
func ViolationOf(err error) (Violation, bool) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "23505":
			return Violation{Unique, postgresColumns(pg)}, true
		case "23503":
			return Violation{Kind: ForeignKey}, true
		case "23514":
			return Violation{Kind: Check}, true
		}
		return Violation{}, false
	}
	if lite, ok := errors.AsType[*sqlite3.Error](err); ok {
		switch lite.ExtendedCode() {
		case sqlite3.CONSTRAINT_UNIQUE, sqlite3.CONSTRAINT_PRIMARYKEY:
			return Violation{Unique, sqliteColumns(lite.Error())}, true
		case sqlite3.CONSTRAINT_FOREIGNKEY:
			return Violation{Kind: ForeignKey}, true
		case sqlite3.CONSTRAINT_CHECK:
			return Violation{Kind: Check}, true
		}
	}
	return Violation{}, false
}

// UniqueOn tells whether err is the violation of the unique constraint over
// these columns, written "table.column,column".
func UniqueOn(err error, columns string) bool {
	v, ok := ViolationOf(err)
	return ok && v.Kind == Unique && v.Columns == columns
}

// sqliteColumns reads the columns out of "… failed: users.account_id, users.email".
func sqliteColumns(text string) string {
	const before = "constraint failed: " // once or twice, as the statement was run
	at := strings.LastIndex(text, before)
	if at < 0 {
		return ""
	}
	list := text[at+len(before):]
	var table string
	var columns []string
	for part := range strings.SplitSeq(list, ", ") {
		t, c, _ := strings.Cut(part, ".")
		table, columns = t, append(columns, c)
	}
	return table + "." + strings.Join(columns, ",")
}

var postgresKey = regexp.MustCompile(`\(([^)]*)\)=`)

// postgresColumns reads them out of the detail "Key (account_id, email)=(…) already exists.":
// its words depend on the server's language, its parentheses do not.
func postgresColumns(e *pgconn.PgError) string {
	m := postgresKey.FindStringSubmatch(e.Detail)
	if m == nil {
		return ""
	}
	return e.TableName + "." + strings.ReplaceAll(strings.ReplaceAll(m[1], " ", ""), `"`, "")
}

// Unreachable tells whether an error means that the database could not be
// reached at all, so that the same request may succeed later.
func Unreachable(err error) bool {
	var connect *pgconn.ConnectError
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Class 57: the server is stopping or starting; class 53: it has run out of something.
		// A transaction that lost to others in every attempt may win in the next request.
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53") || lostToAnother(err)
	}
	return errors.As(err, &connect) || errors.Is(err, errClosed) || errors.Is(err, sqlite3.BUSY)
}
