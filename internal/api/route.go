package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/authz"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// Base is the path under which all operations of the API are.
const Base = "/api/v1"

// MaxBody is the most bytes a body may have, unless its route says otherwise.
const MaxBody = 1 << 20

// Route declares one operation: how it is reached, who may use it and what the
// documentation says about it.
type Route struct {
	Method      string
	Path        string      // below Base; parameters in braces
	Scope       authz.Scope // a route without one is refused when it is registered
	ID          string      // operationId, e.g. "listLeads"
	Tag         string      // section of the documentation
	Summary     string      // a few words
	Description string      // Markdown
	Created     bool        // answers 201
	MaxBody     int64       // most bytes of its body; 0: the general limit
	Secret      bool        // shows a secret: what is kept of its answer for retries is sealed
	MediaType   string      // of an answer that is no JSON: its type is an [http.Handler]
	Refusals    []Refusal   // what it can refuse with besides what every route can
	BodyExample any         // an example of the body
	Example     any         // an example of the answer
}

// Refusal documents an answer with which an operation refuses.
type Refusal struct {
	Status  int
	When    string
	Example any
}

// pathNames are the names of the path's parameters, in order.
func (r Route) pathNames() []string {
	var names []string
	for segment := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// Call is one request to a route, after its key has been accepted.
type Call struct {
	Actor     authz.Actor
	RequestID string
	Expected  *int64 // the version that If-Match asks for; nil for any
	request   *http.Request
	upload    *Upload // of a route that takes one
}

// ID is the number that stands in the path under a name. What is no number, or an
// absurd one, is 0, which no record has: the service then finds no record, and
// the answer is the 404 that companion-api.md section 1 asks for.
func (c *Call) ID(name string) int64 {
	text := c.request.PathValue(name)
	if text == "" || text[0] < '1' || text[0] > '9' { // no sign and no leading zero: a record has one address
		return 0
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// Path is the text that stands in the path under a name, decoded.
func (c *Call) Path(name string) string { return c.request.PathValue(name) }

// operation is a registered route with what serves and what documents it.
type operation struct {
	Route
	params   func(huma.Registry) []*huma.Param
	body     reflect.Type // of the form; nil for none
	answer   reflect.Type
	versions bool     // its answer has an ETag
	streams  []string // the content types of a stream; nil when it answers JSON
	uploads  bool     // its body is a file
	serve    func(ctx context.Context, c *Call, body []byte, bodyErr error) (any, error)
}

// Handle declares a route that takes nothing but its path.
func Handle[A any](r *Router, route Route, handle func(ctx context.Context, c *Call) (A, error)) {
	r.add(&operation{
		Route:  route,
		answer: reflect.TypeFor[A](),
		serve: func(ctx context.Context, c *Call, _ []byte, _ error) (any, error) {
			return handle(ctx, c)
		},
	})
}

// Checker is a query with rules that its tags cannot say, such as those about
// times, which are read in the account's zone. It adds what is wrong to problems.
type Checker interface {
	Check(actor authz.Actor, problems *faults.Bag)
}

// HandleQuery declares a route whose query is read into Q, a struct of
// input.Fields with `query` tags. Q may be a [Checker].
func HandleQuery[Q, A any](r *Router, route Route, handle func(ctx context.Context, c *Call, query Q) (A, error)) {
	r.add(&operation{
		Route:  route,
		params: input.Parameters[Q],
		answer: reflect.TypeFor[A](),
		serve: func(ctx context.Context, c *Call, _ []byte, _ error) (any, error) {
			query, err := readQuery[Q](c)
			if err != nil {
				return nil, err
			}
			return handle(ctx, c, query)
		},
	})
}

// readQuery reads the query of a call, with the checks of its own.
func readQuery[Q any](c *Call) (query Q, err error) {
	query, problems, err := input.Query[Q](c.request.URL.Query())
	if err != nil {
		return query, err
	}
	if own, ok := any(&query).(Checker); ok {
		own.Check(c.Actor, &problems)
		input.SortQuery[Q](&problems)
	}
	return query, problems.Err()
}

// HandleBody declares a route whose body is read into B, a struct of input.Fields
// with `json` tags. The handler asks the form for its problems (see the package
// comment).
func HandleBody[B, A any](r *Router, route Route, handle func(ctx context.Context, c *Call, form *input.Form[B]) (A, error)) {
	r.add(&operation{
		Route:  route,
		body:   reflect.TypeFor[input.Form[B]](),
		answer: reflect.TypeFor[A](),
		serve: func(ctx context.Context, c *Call, body []byte, bodyErr error) (any, error) {
			var form input.Form[B]
			if bodyErr != nil {
				form = input.Unreadable[B](bodyErr)
			} else {
				form = input.Decode[B](body)
			}
			return handle(ctx, c, &form)
		},
	})
}

// HandleUpdate declares a route of a change under PUT and PATCH, which mean the same:
// what is sent changes. Its ID begins with "update"; that of PATCH with "patch".
func HandleUpdate[B, A any](r *Router, route Route, handle func(ctx context.Context, c *Call, form *input.Form[B]) (A, error)) {
	route.Method = http.MethodPut
	HandleBody(r, route, handle)
	route.Method = http.MethodPatch
	route.ID = "patch" + strings.TrimPrefix(route.ID, "update")
	route.Summary += " (PATCH)"
	HandleBody(r, route, handle)
}

// HandleQueryBody declares a route that reads both: its query into Q, as
// [HandleQuery] does without the checks, and its body into B, as [HandleBody] does.
// What is wrong with the query is refused before the handler runs.
func HandleQueryBody[Q, B, A any](r *Router, route Route, handle func(ctx context.Context, c *Call, query Q, form *input.Form[B]) (A, error)) {
	r.add(&operation{
		Route:  route,
		params: input.Parameters[Q],
		body:   reflect.TypeFor[input.Form[B]](),
		answer: reflect.TypeFor[A](),
		serve: func(ctx context.Context, c *Call, body []byte, bodyErr error) (any, error) {
			query, problems, err := input.Query[Q](c.request.URL.Query())
			if err == nil {
				err = problems.Err()
			}
			if err != nil {
				return nil, err
			}
			form := input.Unreadable[B](bodyErr)
			if bodyErr == nil {
				form = input.Decode[B](body)
			}
			return handle(ctx, c, query, &form)
		},
	})
}

// add registers an operation. A route that lacks what every route must have is a
// mistake in the program, found at its start.
func (r *Router) add(op *operation) {
	if op.Method == "" || op.Path == "" || op.Scope == "" || op.ID == "" || op.Summary == "" || op.Tag == "" {
		panic("route " + op.Method + " " + op.Path + " is not complete")
	}
	if !slices.Contains(authz.AllScopes(), op.Scope) {
		panic("route " + op.Method + " " + op.Path + " has an unknown scope")
	}
	op.versions = op.answer.Implements(reflect.TypeFor[Versioned]())
	full := Base + op.Path
	methods := r.paths[full]
	if methods == nil {
		methods = map[string]*operation{}
		r.paths[full] = methods
		r.muxOf(full).HandleFunc(full, func(w http.ResponseWriter, q *http.Request) { r.dispatch(w, q, methods) })
		r.addSlash(full, op.pathNames(), methods)
	}
	if methods[op.Method] != nil {
		panic("route " + op.Method + " " + op.Path + " is declared twice")
	}
	methods[op.Method] = op
	r.operations = append(r.operations, op)
}

// addSlash serves a path whose last value is a slash and nothing else, such as a
// tag of that name: the mux takes a last segment of %2F for the path's end.
func (r *Router) addSlash(full string, names []string, methods map[string]*operation) {
	if !strings.HasSuffix(full, "}") {
		return
	}
	last := names[len(names)-1]
	r.muxOf(full).HandleFunc(strings.TrimSuffix(full, last+"}")+"$}", func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.EscapedPath(), "/") {
			r.refuseRoute(w, q)
			return
		}
		q.SetPathValue(last, "/")
		r.dispatch(w, q, methods)
	})
}

// dispatch picks the operation by the method.
func (r *Router) dispatch(w http.ResponseWriter, q *http.Request, methods map[string]*operation) {
	method := q.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op := methods[method]
	if op == nil {
		allowed := make([]string, 0, len(methods))
		for m := range methods {
			allowed = append(allowed, m)
		}
		r.refuseMethod(w, q, allowed...)
		return
	}
	r.serve(w, q, op)
}

// Routes lists what has been declared, in order of declaration.
func (r *Router) Routes() []Route {
	routes := make([]Route, len(r.operations))
	for i, op := range r.operations {
		routes[i] = op.Route
	}
	return routes
}
