package api

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Member is a member of an answer's object that the object's own type cannot
// have, since the feature it comes from lies above that type's.
type Member struct {
	Name string
	Type reflect.Type
	Doc  string
}

// Extend documents further members of the objects of a type.
func (r *Router) Extend(component reflect.Type, members ...Member) {
	r.members[component] = append(r.members[component], members...)
}

// Document is the OpenAPI 3.1 description of all registered routes, complete
// enough to generate a client from. It is deterministic.
func (r *Router) Document(version string) *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Syncro API", Version: version,
			Description: "Leads, pipelines, tags, custom fields, tasks and messages of an account.\n\n" + generalNotes,
			Contact:     &huma.Contact{Name: "Syncro", URL: "https://syncro.chat"},
			License:     &huma.License{Name: "Proprietary", URL: "https://syncro.chat/license"},
		},
		Servers: []*huma.Server{{URL: Base, Description: "This server"}},
		Components: &huma.Components{
			Schemas:         schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "An API key of the account, `crm_…`."}},
		},
		Security: []map[string][]string{{"apiKey": {}}},
	}
	for _, op := range r.operations {
		doc.AddOperation(r.describe(op, schemas))
		if !slices.ContainsFunc(doc.Tags, func(t *huma.Tag) bool { return t.Name == op.Tag }) {
			doc.Tags = append(doc.Tags, &huma.Tag{Name: op.Tag, Description: "Operations on " + strings.ToLower(op.Tag) + "."})
		}
	}
	for component, members := range r.members {
		properties := schemas.SchemaFromRef(schemas.Schema(component, true, "").Ref).Properties
		for _, m := range members {
			about := *schemas.Schema(m.Type, true, m.Name)
			about.Description = m.Doc
			properties[m.Name] = nullability(&about, m.Type)
		}
	}
	for name, schema := range schemas.Map() {
		open(schema)
		tellNulls(schema, schemas.TypeFromRef("#/components/schemas/"+name))
	}
	slices.SortFunc(doc.Tags, func(a, b *huma.Tag) int { return cmp.Compare(a.Name, b.Name) })
	return doc
}

const generalNotes = `Every request carries an API key in ` + "`X-API-Key`" + `; every answer an ` + "`X-Request-Id`" + `, and once the key is known
the ` + "`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`" + ` of its window. Input is read loosely: numbers may come as
text and text as numbers, an empty text means null, unknown members are ignored. Times are UTC.

A POST, PUT, PATCH or DELETE with an ` + "`Idempotency-Key`" + ` is done once: for 24 hours the same request with the same key
gets the first answer again. Single records have an ` + "`ETag`" + `; a write with ` + "`If-Match`" + ` is refused with 412 when the record has
changed since.`

// open takes back what huma says of every object, that it has no other members:
// those of a body are ignored, and those of an answer grow with the API.
func open(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.AdditionalProperties == false {
		s.AdditionalProperties = nil
	}
	open(s.Items)
	for _, member := range s.Properties {
		open(member)
	}
}

// tellNulls says of each member of an answer's object whether it can be null, which
// huma does not know of types that describe themselves.
func tellNulls(s *huma.Schema, t reflect.Type) {
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if property := s.Properties[name]; property != nil && !field.Anonymous {
			s.Properties[name] = nullability(property, field.Type)
		}
	}
}

// nullability describes a value of a Go type: a pointer can be null, a list is
// [] when it is empty.
func nullability(s *huma.Schema, t reflect.Type) *huma.Schema {
	switch t.Kind() {
	case reflect.Slice:
		s.Nullable = false
	case reflect.Pointer:
		if s.Ref == "" {
			s.Nullable = true
			break
		}
		return &huma.Schema{Description: s.Description, OneOf: []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}}
	}
	return s
}

// schemaName names a component after its type, and after its feature where the
// type's name does not: leads.CreateFields is LeadCreateFields, tasks.Task is Task.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	name = strings.ToUpper(name[:1]) + name[1:]
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	feature := strings.TrimSuffix(path.Base(t.PkgPath()), "s")
	if t.PkgPath() == reflect.TypeFor[Route]().PkgPath() || t.PkgPath() == "" || strings.Contains(strings.ToLower(name), feature) {
		return name
	}
	return strings.ToUpper(feature[:1]) + feature[1:] + name
}

func (r *Router) describe(op *operation, schemas huma.Registry) *huma.Operation {
	d := &huma.Operation{
		Method: op.Method, Path: op.Path, OperationID: op.ID, Tags: []string{op.Tag}, Summary: op.Summary,
		Description: strings.TrimSpace(op.Description + "\n\nScope: `" + string(op.Scope) + "`."),
		Responses:   map[string]*huma.Response{},
	}
	for _, name := range op.pathNames() {
		d.Parameters = append(d.Parameters, pathParameter(name))
	}
	if op.params != nil {
		d.Parameters = append(d.Parameters, op.params(schemas)...)
	}
	if op.Method != http.MethodGet {
		d.Parameters = append(d.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Description: "Makes a retry safe: the same key with the same request gets the first answer again, for 24 hours.",
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(255)}, Example: "6f1c2a52-7f4e-4b0e-9a55-0a3c1f7f1d10",
		})
	}
	if r.conditional(op) {
		d.Parameters = append(d.Parameters, &huma.Param{
			Name: "If-Match", In: "header", Description: "The `ETag` the record was read with; if it has changed since, the answer is 412.",
			Schema: &huma.Schema{Type: huma.TypeString}, Example: `"7"`,
		})
	}
	if op.body != nil {
		d.RequestBody = &huma.RequestBody{
			Description: "The fields, as JSON.", Required: true,
			Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(op.body, true, ""), Example: op.BodyExample}},
		}
	}
	if op.uploads {
		file := &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "The file."}
		d.RequestBody = &huma.RequestBody{
			Description: "The file: as the first one of a form, or as the body itself.", Required: true,
			Content: map[string]*huma.MediaType{
				"multipart/form-data":      {Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"file": file}, Required: []string{"file"}}},
				"application/octet-stream": {Schema: file},
			},
		}
	}
	status := http.StatusOK
	if op.Created {
		status = http.StatusCreated
	}
	success := &huma.Response{Description: "Success.", Headers: answerHeaders(op.versions), Content: map[string]*huma.MediaType{}}
	binary := op.streams
	if op.MediaType != "" {
		binary = []string{op.MediaType}
	}
	for _, kind := range binary {
		success.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	if binary == nil {
		success.Content["application/json"] = &huma.MediaType{Schema: schemas.Schema(op.answer, true, ""), Example: op.Example}
	}
	d.Responses[strconv.Itoa(status)] = success
	if op.answer.Implements(reflect.TypeFor[Creation]()) {
		created := *success
		created.Description = "Success; a record was created."
		d.Responses["201"] = &created
	}
	for _, refusal := range op.refusals(r.conditional(op)) {
		describeRefusal(d, refusal, schemas)
	}
	return d
}

// conditional tells whether an operation writes a record that has versions: then
// it heeds If-Match.
//
//go:fix inline
func (r *Router) conditional(op *operation) bool {
	if op.Method == http.MethodGet || len(op.pathNames()) == 0 {
		return false
	}
	read := r.paths[Base+op.Path][http.MethodGet]
	return op.versions || (read != nil && read.versions)
}

var pathDescriptions = map[string]string{
	"id":          "Id of the record. What is no number, or is unknown, is a 404.",
	"tag":         "Name of the tag, percent-encoded.",
	"sequence_id": "Id of the sequence.",
	"delivery_id": "Id of the delivery.",
}

func pathParameter(name string) *huma.Param {
	p := &huma.Param{Name: name, In: "path", Required: true, Description: pathDescriptions[name], Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: new(1.0)}, Example: 123}
	if name == "tag" {
		p.Schema, p.Example = &huma.Schema{Type: huma.TypeString}, "vip"
	}
	return p
}

func answerHeaders(etag bool) map[string]*huma.Param {
	header := func(typ, about string) *huma.Param {
		return &huma.Param{Description: about, Schema: &huma.Schema{Type: typ}}
	}
	h := map[string]*huma.Param{
		"X-Request-Id":        header(huma.TypeString, "Id of the request, also in the server's log."),
		"RateLimit-Limit":     header(huma.TypeInteger, "Requests that the key has in a window of 60 seconds."),
		"RateLimit-Remaining": header(huma.TypeInteger, "Requests left in the window."),
		"RateLimit-Reset":     header(huma.TypeInteger, "Seconds until the window ends."),
	}
	if etag {
		h["ETag"] = header(huma.TypeString, "Version of the record, for `If-Match`.")
	}
	return h
}

// refusals are those of every route, those that follow from its declaration, and
// its own.
func (op *operation) refusals(conditional bool) []Refusal {
	all := []Refusal{
		{401, "The key is missing, unknown, revoked or expired.", map[string]any{"message": "API Key inválida."}},
		{403, "The key lacks the scope, or the account is not active.", map[string]any{"message": "API Key sem permissão para esta operação.", "required_permission": op.Scope}},
		{429, "The key's rate limit is used up.", map[string]any{"message": "Rate limit excedido para esta API Key.", "retry_after": 35}},
		{500, "The server failed; its log has the reason under the request id.", map[string]any{"message": "Erro interno do servidor."}},
		{503, "The database is out of reach; try again.", map[string]any{"message": "Serviço temporariamente indisponível. Tente novamente em instantes."}},
	}
	if len(op.pathNames()) > 0 {
		all = append(all, Refusal{404, "The account has no such record.", map[string]any{"message": "Registro não encontrado."}})
	}
	if op.body != nil || op.params != nil {
		all = append(
			all, Refusal{400, "The request cannot be read.", map[string]any{"message": "The request body is not valid JSON."}},
			Refusal{422, "A field is wrong, or a rule of the business forbids the operation.", map[string]any{
				"message": "The name field is required.", "errors": map[string]any{"name": []string{"The name field is required."}},
			}},
		)
	}
	if op.uploads {
		all = append(all, Refusal{413, "The file is over 64 MiB.", map[string]any{"message": "The request body must not be greater than 67108864 bytes."}})
	}
	if op.body != nil {
		all = append(all, Refusal{413, "The body is over 1 MiB.", map[string]any{"message": "The request body must not be greater than 1048576 bytes."}})
	}
	if op.Method != http.MethodGet {
		all = append(all, Refusal{409, "Another request with the same `Idempotency-Key` is still running, or its answer was lost.", map[string]any{"message": "Uma requisição com esta Idempotency-Key ainda está em andamento."}})
	}
	if conditional {
		all = append(all, Refusal{412, "The record has changed since the version named in `If-Match`.", map[string]any{
			"message": "O registro foi alterado desde a leitura.", "current_etag": `"8"`,
			"changed": []any{map[string]any{"field": "value", "changed_by": map[string]any{"id": 13, "name": "Bruno"}, "changed_at": "2026-06-30T10:00:00Z"}},
		}})
	}
	return append(all, op.Refusals...)
}

// refusalSchema is what all refusals have in common.
type refusalSchema struct {
	Message string              `json:"message" doc:"What was wrong: Portuguese for rules of the business, English for fields."`
	Errors  map[string][]string `json:"errors,omitempty" doc:"The problems by field, when fields are wrong."`
}

func describeRefusal(d *huma.Operation, refusal Refusal, schemas huma.Registry) {
	code := strconv.Itoa(refusal.Status)
	schema := schemas.Schema(reflect.TypeFor[refusalSchema](), true, "Refusal")
	if known := d.Responses[code]; known != nil {
		media := known.Content["application/json"]
		if media.Examples == nil {
			media.Examples = map[string]*huma.Example{"case1": {Summary: known.Description, Value: media.Example}}
			media.Example = nil
		}
		media.Examples[fmt.Sprintf("case%d", len(media.Examples)+1)] = &huma.Example{Summary: refusal.When, Value: refusal.Example}
		if !strings.Contains(known.Description, refusal.When) {
			known.Description += " " + refusal.When
		}
		return
	}
	d.Responses[code] = &huma.Response{
		Description: refusal.When,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema, Example: refusal.Example}},
	}
}
