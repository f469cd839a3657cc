package db

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unsafe"

	"github.com/ncruces/go-sqlite3"
)

// bindSQLite gives a statement its parameters; see the package comment, "Values".
func bindSQLite(st *sqlite3.Stmt, args []any) error {
	if n := st.BindCount(); n != len(args) {
		return fmt.Errorf("%d arguments for %d parameters", len(args), n)
	}
	for i, arg := range args {
		if err := bindValue(st, i+1, arg); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return nil
}

func bindValue(st *sqlite3.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		return st.BindNull(i)
	case int64:
		return st.BindInt64(i, v)
	case int:
		return st.BindInt64(i, int64(v))
	case string:
		return st.BindText(i, v)
	case bool:
		return st.BindBool(i, v)
	case time.Time:
		return st.BindInt64(i, v.UnixMicro())
	case []byte:
		return st.BindBlob(i, v)
	case float64:
		return st.BindFloat(i, v)
	case []int64:
		return st.BindText(i, jsonList(v))
	}
	return bindOther(st, i, reflect.ValueOf(arg))
}

// bindOther binds pointers (nil is NULL), named types and lists.
func bindOther(st *sqlite3.Stmt, i int, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return st.BindNull(i)
		}
		return bindValue(st, i, v.Elem().Interface())
	case reflect.Int64, reflect.Int, reflect.Int32:
		return st.BindInt64(i, v.Int())
	case reflect.String:
		return st.BindText(i, v.String())
	case reflect.Bool:
		return st.BindBool(i, v.Bool())
	case reflect.Slice:
		if v.Len() == 0 {
			return st.BindText(i, "[]")
		}
		list, err := json.Marshal(v.Interface())
		if err != nil {
			return err
		}
		return st.BindText(i, string(list))
	default:
		return fmt.Errorf("a %s cannot be a parameter", v.Type())
	}
}

// jsonList is json.Marshal for the lists of ids that lists are made from.
func jsonList(list []int64) string {
	b := append(make([]byte, 0, 2+8*len(list)), '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, ']'))
}

// scanSQLite reads the columns of the row a statement stands on.
func scanSQLite(st *sqlite3.Stmt, dest []any, borrow bool) error {
	for i, d := range dest {
		switch d := d.(type) {
		case *int64:
			*d = st.ColumnInt64(i)
		case *string:
			*d = sqliteText(st, i, borrow)
		case **string:
			*d = nil
			if st.ColumnType(i) != sqlite3.NULL {
				s := sqliteText(st, i, borrow)
				*d = &s
			}
		case **int64:
			*d = nil
			if st.ColumnType(i) != sqlite3.NULL {
				n := st.ColumnInt64(i)
				*d = &n
			}
		case *time.Time:
			*d = time.UnixMicro(st.ColumnInt64(i)).UTC()
		case **time.Time:
			*d = nil
			if st.ColumnType(i) != sqlite3.NULL {
				t := time.UnixMicro(st.ColumnInt64(i)).UTC()
				*d = &t
			}
		case *bool:
			*d = st.ColumnInt64(i) != 0
		case *[]byte:
			if borrow {
				*d = st.ColumnRawBlob(i)
			} else {
				*d = st.ColumnBlob(i, nil)
			}
		case *float64:
			*d = st.ColumnFloat(i)
		default:
			if err := scanOther(st, i, reflect.ValueOf(d).Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

func sqliteText(st *sqlite3.Stmt, i int, borrow bool) string {
	if !borrow {
		return st.ColumnText(i)
	}
	raw := st.ColumnRawText(i)
	return unsafe.String(unsafe.SliceData(raw), len(raw)) //nolint:gosec // Rows.Borrow says how long it is valid
}

// scanOther reads a column into a named type or a pointer to one.
func scanOther(st *sqlite3.Stmt, i int, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if st.ColumnType(i) == sqlite3.NULL {
			v.SetZero()
			return nil
		}
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		return scanSQLiteAt(st, i, fresh)
	case reflect.Int64, reflect.Int, reflect.Int32:
		v.SetInt(st.ColumnInt64(i))
	case reflect.String:
		v.SetString(st.ColumnText(i))
	case reflect.Bool:
		v.SetBool(st.ColumnInt64(i) != 0)
	default:
		return fmt.Errorf("column %d cannot be scanned into a %s", i, v.Type())
	}
	return nil
}

func scanSQLiteAt(st *sqlite3.Stmt, i int, pointer reflect.Value) error {
	if t, ok := reflect.TypeAssert[*time.Time](pointer); ok {
		*t = time.UnixMicro(st.ColumnInt64(i)).UTC()
		return nil
	}
	return scanOther(st, i, pointer.Elem())
}
