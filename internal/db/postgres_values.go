package db

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresEpoch is 2000-01-01, from which PostgreSQL counts microseconds.
const postgresEpoch = 946_684_800_000_000

// scanPostgres reads the columns of a row. The types that statements here
// return, a handful, are decoded in place; anything else goes through pgx.
func scanPostgres(rows pgx.Rows, dest []any, borrow bool) error {
	fields, raw := rows.FieldDescriptions(), rows.RawValues()
	if len(fields) != len(dest) {
		return fmt.Errorf("%d columns scanned into %d places", len(fields), len(dest))
	}
	for i, d := range dest {
		if err := scanPostgresValue(rows, fields[i].DataTypeOID, fields[i].Format, raw[i], d, borrow); err != nil {
			return fmt.Errorf("column %q: %w", fields[i].Name, err)
		}
	}
	return nil
}

func scanPostgresValue(rows pgx.Rows, oid uint32, format int16, raw []byte, dest any, borrow bool) error {
	switch d := dest.(type) {
	case *int64:
		if n, ok := postgresInt(oid, format, raw); ok {
			*d = n
			return nil
		}
	case **int64:
		*d = nil
		if raw == nil {
			return nil
		}
		if n, ok := postgresInt(oid, format, raw); ok {
			*d = &n
			return nil
		}
	case *string:
		if isText(oid) { // NULL is "", as on SQLite
			*d = postgresText(raw, borrow)
			return nil
		}
	case **string:
		*d = nil
		if raw == nil {
			return nil
		}
		if isText(oid) {
			s := postgresText(raw, borrow)
			*d = &s
			return nil
		}
	case *time.Time:
		if t, ok := postgresTime(oid, format, raw); ok {
			*d = t
			return nil
		}
	case **time.Time:
		*d = nil
		if raw == nil {
			return nil
		}
		if t, ok := postgresTime(oid, format, raw); ok {
			*d = &t
			return nil
		}
	case *bool:
		if oid == pgtype.BoolOID && format == pgtype.BinaryFormatCode && len(raw) == 1 {
			*d = raw[0] != 0
			return nil
		}
	}
	return scanPostgresOther(rows, oid, format, raw, dest)
}

func postgresInt(oid uint32, format int16, raw []byte) (int64, bool) {
	if format != pgtype.BinaryFormatCode {
		return 0, false
	}
	switch {
	case oid == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), true
	case oid == pgtype.Int4OID && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), true
	case oid == pgtype.Int2OID && len(raw) == 2:
		return int64(int16(binary.BigEndian.Uint16(raw))), true
	}
	return 0, false
}

func isText(oid uint32) bool { return oid == pgtype.TextOID || oid == pgtype.VarcharOID }

func postgresText(raw []byte, borrow bool) string {
	if borrow {
		return unsafe.String(unsafe.SliceData(raw), len(raw)) //nolint:gosec // Rows.Borrow says how long it is valid
	}
	return string(raw)
}

func postgresTime(oid uint32, format int16, raw []byte) (time.Time, bool) {
	if oid != pgtype.TimestamptzOID || format != pgtype.BinaryFormatCode || len(raw) != 8 {
		return time.Time{}, false
	}
	micros := int64(binary.BigEndian.Uint64(raw))
	return time.UnixMicro(micros + postgresEpoch).UTC(), true
}

// scanPostgresOther reads a column into a named type, a pointer to one, or
// whatever pgx can read.
func scanPostgresOther(rows pgx.Rows, oid uint32, format int16, raw []byte, dest any) error {
	v := reflect.ValueOf(dest).Elem()
	if v.Kind() == reflect.Pointer {
		if raw == nil {
			v.SetZero()
			return nil
		}
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		return scanPostgresValue(rows, oid, format, raw, fresh.Interface(), false)
	}
	if v.Kind() == reflect.Int64 {
		if n, ok := postgresInt(oid, format, raw); ok {
			v.SetInt(n)
			return nil
		}
	}
	if v.Kind() == reflect.String && isText(oid) {
		v.SetString(string(raw))
		return nil
	}
	return rows.Conn().TypeMap().Scan(oid, format, raw, dest)
}
