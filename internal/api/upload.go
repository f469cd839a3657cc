package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"reflect"
	"strings"
	"time"

	"syncro/internal/faults"
	"syncro/internal/input"
)

// MaxUpload is the most bytes a file may have (companion-api.md section 1, 413).
const MaxUpload = 64 << 20

// uploadTime is how long a file may take to arrive.
const uploadTime = 15 * time.Minute

// Upload is a file that a client has sent. It lies in a temporary file, and is gone
// when the request has been answered.
type Upload struct {
	Name string // as the client calls it, without folders; "" when it has none
	Size int64
	file *os.File
	sum  []byte
}

// ReadAt reads from the file.
func (u *Upload) ReadAt(p []byte, offset int64) (int, error) { return u.file.ReadAt(p, offset) }

func (u *Upload) close() {
	_ = u.file.Close()           // nothing in it is needed any more
	_ = os.Remove(u.file.Name()) //nolint:gosec // the name is one that we gave; it may be gone already
}

// HandleUpload declares a route whose body is a file: the first one of a form
// (multipart/form-data), or the body itself. Its query is read as by [HandleQuery].
func HandleUpload[Q, A any](r *Router, route Route, handle func(ctx context.Context, c *Call, query Q, file *Upload) (A, error)) {
	r.add(&operation{
		Route:   route,
		params:  input.Parameters[Q],
		answer:  reflect.TypeFor[A](),
		uploads: true,
		serve: func(ctx context.Context, c *Call, _ []byte, bodyErr error) (any, error) {
			query, err := readQuery[Q](c)
			if err != nil {
				return nil, err
			}
			if bodyErr != nil {
				return nil, bodyErr
			}
			return handle(ctx, c, query, c.upload)
		},
	})
}

// receive stores the file of a request. What it returns in the body's place tells
// one file from another.
func receive(w http.ResponseWriter, q *http.Request) (_ *Upload, identity []byte, err error) {
	// A connection that has no limits has none to move.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime)) //nolint:forbidigo // the network's time is the machine's
	q.Body = http.MaxBytesReader(w, q.Body, MaxUpload+64<<10)                     // and what a form adds
	u := &Upload{}
	var content io.Reader = q.Body
	if kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		if content, u.Name, err = fileOfForm(q); err != nil {
			return nil, nil, err
		}
	}
	if u.Name == "" {
		u.Name = q.URL.Query().Get("filename")
	}
	u.Name = path.Base(strings.ReplaceAll(u.Name, `\`, "/"))
	if u.Name == "." || u.Name == "/" {
		u.Name = ""
	}
	if u.file, err = os.CreateTemp("", "syncro-upload-*"); err != nil {
		return nil, nil, fmt.Errorf("storing an upload: %w", err)
	}
	hash := sha256.New()
	u.Size, err = io.Copy(io.MultiWriter(u.file, hash), io.LimitReader(content, MaxUpload+1))
	if u.sum = hash.Sum([]byte(u.Name + "\x00")); err == nil && u.Size <= MaxUpload {
		return u, u.sum, nil
	}
	u.close()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || err == nil {
		return nil, nil, faults.Newf(faults.TooLarge, "The request body must not be greater than %d bytes.", MaxUpload)
	}
	return nil, nil, faults.New(faults.Malformed, "The request body could not be read to its end.").Because(err)
}

// fileOfForm finds the first file of a form.
func fileOfForm(q *http.Request) (io.Reader, string, error) {
	form, err := q.MultipartReader()
	for err == nil {
		part, next := form.NextPart()
		if err = next; err == nil && part.FileName() != "" {
			return part, part.FileName(), nil
		}
	}
	if errors.Is(err, io.EOF) {
		var problems faults.Bag
		problems.Required("file")
		return nil, "", problems.Err()
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, "", faults.Newf(faults.TooLarge, "The request body must not be greater than %d bytes.", MaxUpload)
	}
	return nil, "", faults.New(faults.Malformed, "The form of the request body cannot be read.").Because(err)
}
