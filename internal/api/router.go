package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/secrets"
)

// Principal is who presented a key, and how often it may be used.
type Principal struct {
	Actor     authz.Actor
	RateLimit int64 // requests a minute
}

// Allowance is what is left of a key's rate limit.
type Allowance struct {
	Limit, Remaining int64
	Reset            time.Duration // until the window ends
	OK               bool          // this request is within the limit
}

// Config is what a [Router] needs of the rest of the program.
type Config struct {
	DB  *db.DB
	Log *slog.Logger
	// Authenticate finds whose key was presented; its errors are faults.
	Authenticate func(ctx context.Context, presented string) (Principal, error)
	// Allow counts a request of a key against its limit.
	Allow func(ctx context.Context, keyID, limit int64) (Allowance, error)
	// Peek tells what is left of a key's limit without counting a request.
	Peek  func(keyID, limit int64) Allowance
	Clock func() time.Time
	Box   *secrets.Box // for the answers of routes that show a secret
}

// Router serves the API. Features declare their routes on it before it is used.
type Router struct {
	Config
	mux        *http.ServeMux
	apart      map[string]*http.ServeMux // by the beginning of their paths
	paths      map[string]map[string]*operation
	operations []*operation
	members    map[reflect.Type][]Member
	retries    *retries
}

// NewRouter makes a router without routes.
func NewRouter(c Config) *Router {
	r := &Router{Config: c, mux: http.NewServeMux(), apart: map[string]*http.ServeMux{}, paths: map[string]map[string]*operation{}, members: map[reflect.Type][]Member{}}
	r.retries = &retries{db: c.DB, clock: c.Clock, box: c.Box}
	r.mux.HandleFunc("/", r.refuseRoute)
	return r
}

// Apart has the paths that begin like this, below Base, matched by themselves: the
// mux refuses two patterns of which neither is the narrower, such as
// /leads/{id}/stage and /leads/bulk-actions/{id}. It is called before their routes
// are declared.
func (r *Router) Apart(beginning string) {
	own := http.NewServeMux()
	own.HandleFunc("/", r.refuseRoute)
	r.apart[Base+beginning] = own
}

// muxOf is the mux that a path is matched by.
func (r *Router) muxOf(path string) *http.ServeMux {
	for beginning, own := range r.apart {
		if strings.HasPrefix(path, beginning) {
			return own
		}
	}
	return r.mux
}

// refuseRoute answers what no route matches. A lone %2F in the place of an id is
// not matched by [http.ServeMux], though it is an id that nothing has: two of them
// stand for it.
func (r *Router) refuseRoute(w http.ResponseWriter, q *http.Request) {
	const lone, matched = "/%2F/", "/%2F%2F/"
	if escaped := strings.ReplaceAll(q.URL.EscapedPath(), "%2f", "%2F"); strings.Contains(escaped, lone) {
		if path, err := url.PathUnescape(strings.ReplaceAll(escaped, lone, matched)); err == nil {
			again := q.Clone(q.Context())
			again.URL.Path, again.URL.RawPath = path, strings.ReplaceAll(escaped, lone, matched)
			r.muxOf(path).ServeHTTP(w, again)
			return
		}
	}
	r.refuse(w, q, faults.New(faults.NotFound, "Rota não encontrada."))
}

// Mount serves something that is not part of the API and can only be read, such
// as its documentation.
func (r *Router) Mount(path string, h http.Handler) {
	r.MountFunc(path, func(w http.ResponseWriter, q *http.Request) error {
		h.ServeHTTP(w, q)
		return nil
	}, http.MethodGet)
}

// MountFunc serves something with these methods that is not part of the API and
// needs no key. Its error is answered as that of an operation.
func (r *Router) MountFunc(path string, h func(w http.ResponseWriter, q *http.Request) error, methods ...string) {
	r.mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
		method := q.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if !slices.Contains(methods, method) {
			r.refuseMethod(w, q, slices.Clone(methods)...)
			return
		}
		if err := h(w, q); err != nil {
			r.refuse(w, q, err)
		}
	})
}

// refuseMethod answers a request whose path knows only other methods.
func (r *Router) refuseMethod(w http.ResponseWriter, q *http.Request, allowed ...string) {
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	r.refuse(w, q, faults.New(faults.MethodUnknown, "Método não permitido."))
}

// Handler is the router with what surrounds every request: its id, its line in
// the log, compression, and an answer even when a handler panics.
func (r *Router) Handler() http.Handler {
	return r.logged(gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.muxOf(q.URL.Path).ServeHTTP(w, q)
	})))
}

// serve runs one request through the checks in their order.
func (r *Router) serve(w http.ResponseWriter, q *http.Request, op *operation) {
	ctx := q.Context()
	who, err := r.Authenticate(ctx, strings.TrimSpace(q.Header.Get("X-API-Key")))
	if err != nil {
		r.refuse(w, q, err)
		return
	}
	noteAccount(ctx, who.Actor.AccountID)
	if !who.Actor.May(op.Scope) {
		r.Peek(who.Actor.KeyID, who.RateLimit).write(w.Header())
		r.refuse(w, q, faults.New(faults.Forbidden, "API Key sem permissão para esta operação.", faults.Member{Name: "required_permission", Value: op.Scope}))
		return
	}
	allowance, err := r.Allow(ctx, who.Actor.KeyID, who.RateLimit)
	if err != nil {
		r.refuse(w, q, err)
		return
	}
	seconds := allowance.write(w.Header())
	if !allowance.OK {
		r.refuse(w, q, faults.New(faults.RateLimited, "Rate limit excedido para esta API Key.", faults.Member{Name: "retry_after", Value: seconds}))
		return
	}
	c := &Call{Actor: who.Actor, RequestID: RequestID(ctx), request: q}
	if c.Expected, err = expectedVersion(q.Header); err != nil {
		r.refuse(w, q, err)
		return
	}
	var body []byte
	var bodyErr error
	if op.uploads {
		if c.upload, body, bodyErr = receive(w, q); c.upload != nil {
			defer c.upload.close()
		}
	} else {
		body, bodyErr = readBody(w, q, cmp.Or(op.MaxBody, MaxBody))
	}
	if key, err := retryKey(q); err != nil {
		r.refuse(w, q, err)
	} else if key != "" {
		r.serveOnce(w, q, op, c, key, body, bodyErr)
	} else {
		r.answer(ctx, w, q, op, c, body, bodyErr)
	}
}

// answer runs the handler and writes its answer.
func (r *Router) answer(ctx context.Context, w http.ResponseWriter, q *http.Request, op *operation, c *Call, body []byte, bodyErr error) {
	answer, err := op.serve(ctx, c, body, bodyErr)
	if err != nil {
		r.refuse(w, q, err)
		return
	}
	if s, ok := answer.(*Stream); ok {
		r.stream(w, q, s)
		return
	}
	status := http.StatusOK
	if made, ok := answer.(Creation); op.Created || (ok && made.WasCreated()) {
		status = http.StatusCreated
	}
	if v, ok := answer.(Versioned); ok {
		w.Header().Set("ETag", `"`+strconv.FormatInt(v.RecordVersion(), 10)+`"`)
	}
	if own, ok := answer.(http.Handler); ok {
		own.ServeHTTP(w, q)
		return
	}
	if err := writeJSON(w, status, answer); err != nil {
		r.Log.ErrorContext(ctx, "writing an answer", "error", err, "request_id", RequestID(ctx))
	}
}

// write sets the RateLimit headers and returns the whole seconds to wait.
func (a Allowance) write(h http.Header) int64 {
	seconds := int64((a.Reset + time.Second - 1) / time.Second)
	h["Ratelimit-Limit"] = []string{strconv.FormatInt(a.Limit, 10)}
	h["Ratelimit-Remaining"] = []string{strconv.FormatInt(a.Remaining, 10)}
	h["Ratelimit-Reset"] = []string{strconv.FormatInt(seconds, 10)}
	return seconds
}

// readBody reads the body of a request that has one. Its error is a refusal that
// the handler reports in its turn.
func readBody(w http.ResponseWriter, q *http.Request, most int64) ([]byte, error) {
	if q.Method == http.MethodGet || q.Method == http.MethodHead || q.Body == nil || q.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, most))
	if err == nil {
		return body, nil
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, faults.Newf(faults.TooLarge, "The request body must not be greater than %d bytes.", tooLarge.Limit)
	}
	return nil, faults.New(faults.Malformed, "The request body could not be read to its end.").Because(err)
}

// expectedVersion reads If-Match: one entity tag as an ETag of this API has it
// (a weak mark is overlooked), or "*", which every existing record matches.
func expectedVersion(h http.Header) (*int64, error) {
	text := strings.TrimSpace(h.Get("If-Match"))
	if text == "" || text == "*" {
		return nil, nil //nolint:nilnil // no version is expected
	}
	tag := strings.TrimPrefix(text, "W/")
	if len(tag) > 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		if v, err := strconv.ParseInt(tag[1:len(tag)-1], 10, 64); err == nil && v > 0 {
			return &v, nil
		}
	}
	return nil, faults.New(faults.Malformed, `The If-Match header must be one ETag of this API, such as "7", or *.`)
}
