package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/pipelines"
	"syncro/internal/spreadsheet"
)

// Service brings leads in from files.
type Service struct {
	Using
	db *db.DB
}

// Using are the features below that an import needs.
type Using struct {
	Accounts     *accounts.Service
	Pipelines    *pipelines.Service
	CustomFields *customfields.Service
	Leads        *leads.Service
	Operations   *operations.Service
}

// New makes the service and registers its kinds of operation.
func New(d *db.DB, u Using) *Service {
	s := &Service{Using: u, db: d}
	for _, kind := range s.kinds() {
		u.Operations.Register(kind)
	}
	return s
}

const (
	// partRows is how many rows one transaction imports: each holds a lock for its
	// email and its phone, and on SQLite nobody else writes meanwhile.
	partRows = 250
	// partBytes is how large the texts of a part may be before it is full anyway.
	partBytes = 1 << 20
	// sampled is how many rows are looked at to find out what a column holds, shown how
	// many values of it answers show.
	sampled = 50
	shown   = 3
)

// File is a file that leads are to be imported from.
type File struct {
	Name    string
	Content io.ReaderAt
	Size    int64
	spreadsheet.Options
	Header *bool // whether the first row names the columns; nil: to be found out
}

// Upload reads a file into parts (POST /imports).
func (s *Service) Upload(ctx context.Context, actor authz.Actor, f File) (View, error) {
	u, err := s.Pipelines.Board(ctx, actor)
	if err != nil {
		return View{}, err
	}
	fields, err := s.CustomFields.Set(ctx, actor)
	if err != nil {
		return View{}, err
	}
	file, err := spreadsheet.Open(f.Content, f.Size, f.Options)
	if err != nil {
		return View{}, unreadable(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	i := &Import{FileName: f.Name, options: Options{MatchBy: "email_or_phone", OnDuplicate: onDuplicateUpdate, Tags: []string{}, Decimal: "auto"}}
	i.source = source{Format: file.Format, Encoding: file.Encoding, Delimiter: strings.Trim(string(file.Delimiter), "\x00"), Sheet: file.Sheet, Sheets: file.Sheets}
	for _, p := range u.Pipelines() {
		if len(p.Stages) > 0 && i.options.StageID == 0 {
			i.options.PipelineID, i.options.StageID = p.ID, p.Stages[0].ID
		}
	}
	// The key of a retry is used up with the last transaction, by which the import is there.
	alone := db.WithoutCompanion(ctx)
	if err := s.db.Write(alone, func(tx *db.Tx) error { return insert(tx, actor, i) }); err != nil {
		return View{}, fmt.Errorf("storing an import: %w", err)
	}
	r := &reception{service: s, actor: actor, of: i, header: f.Header}
	if err := r.read(alone, file); err != nil {
		return View{}, errors.Join(err, s.db.Write(context.WithoutCancel(alone), func(tx *db.Tx) error { return remove(tx, actor, i.ID) }))
	}
	suggested := suggest(r.headings, r.samples, fields)
	for n, h := range r.headings {
		column := heading{Header: h, Samples: []string{}, Suggested: suggested[n]}
		for _, c := range r.samples[n] {
			if c.Trimmed() != "" && len(column.Samples) < shown {
				column.Samples = append(column.Samples, beginning(c.Text))
			}
		}
		i.columns = append(i.columns, column)
	}
	i.mapping = suggested
	err = s.db.Write(ctx, func(tx *db.Tx) error { return complete(tx, actor, i) })
	return i.view(nil, nil), err
}

// unreadable is the refusal of a file that cannot be read.
func unreadable(err error) error {
	e, ok := errors.AsType[*spreadsheet.Error](err)
	if !ok {
		return fmt.Errorf("reading a file: %w", err)
	}
	var problems faults.Bag
	problems.Add("file", e.Error())
	return problems.Err()
}

// reception reads a file into parts.
type reception struct {
	service  *Service
	actor    authz.Actor
	of       *Import
	header   *bool
	begun    bool
	headings []string
	samples  [][]spreadsheet.Cell
	rows     []storedRow
	bytes    int
	part     int64
}

func (r *reception) read(ctx context.Context, file *spreadsheet.File) error {
	for row, err := range file.Rows() {
		if err != nil {
			return unreadable(err)
		}
		if row.Empty() {
			continue
		}
		if !r.begun {
			r.begun = true
			if (r.header == nil && isHeading(row)) || (r.header != nil && *r.header) {
				for _, c := range row.Cells {
					r.headings = append(r.headings, c.Trimmed())
				}
				continue
			}
		}
		if err := r.row(ctx, row); err != nil {
			return err
		}
	}
	for len(r.samples) < len(r.headings) {
		r.samples = append(r.samples, nil)
	}
	if r.of.Rows == 0 {
		return unreadable(&spreadsheet.Error{Reason: "the file has no rows of data"})
	}
	return r.flush(ctx)
}

func (r *reception) row(ctx context.Context, row spreadsheet.Row) error {
	for len(r.headings) < len(row.Cells) {
		r.headings = append(r.headings, "")
	}
	for len(r.samples) < len(r.headings) {
		r.samples = append(r.samples, nil)
	}
	for n, c := range row.Cells {
		if r.of.Rows < sampled {
			r.samples[n] = append(r.samples[n], c)
		}
		r.bytes += len(c.Text)
	}
	r.of.Rows++
	r.rows = append(r.rows, storedRow{row.Number, row.Cells})
	if len(r.rows) < partRows && r.bytes < partBytes {
		return nil
	}
	return r.flush(ctx)
}

func (r *reception) flush(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	r.part++
	err := r.service.db.Write(ctx, func(tx *db.Tx) error { return insertPart(tx, r.actor, r.of.ID, r.part, r.rows) })
	r.rows, r.bytes = nil, 0
	return err
}

// Get gives an import (GET /imports/{id}).
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (v View, err error) {
	var i *Import
	if err = s.db.Read(ctx, func(q db.Querier) error {
		i, err = find(q, actor, id, "")
		return err
	}); err != nil {
		return v, err
	}
	return s.show(ctx, actor, i)
}

// show reads an import's operations for its view.
func (s *Service) show(ctx context.Context, actor authz.Actor, i *Import) (View, error) {
	check, operation, err := s.operationsOf(ctx, actor, i)
	return i.view(check, operation), err
}

func (s *Service) operationsOf(ctx context.Context, actor authz.Actor, i *Import) (check, operation *operations.Operation, err error) {
	if i.checkID != nil {
		if check, err = s.Operations.Get(ctx, actor, checkKind, *i.checkID); err != nil {
			return nil, nil, err
		}
	}
	if i.operation != nil {
		operation, err = s.Operations.Get(ctx, actor, importKind, *i.operation)
	}
	return check, operation, err
}

// List gives a page of the account's imports, newest first (GET /imports).
func (s *Service) List(ctx context.Context, actor authz.Actor, page api.Page) (views []View, total int64, err error) {
	var found []Import
	if err = s.db.Read(ctx, func(q db.Querier) error {
		found, total, err = list(q, actor, page)
		return err
	}); err != nil {
		return nil, 0, err
	}
	for n := range found {
		v, err := s.show(ctx, actor, &found[n])
		if err != nil {
			return nil, 0, err
		}
		views = append(views, v)
	}
	return views, total, nil
}

// Problems gives a page of what the import, or before it the dry run, has found
// (GET /imports/{id}/problems). kind is that of a [Problem], "" for all.
func (s *Service) Problems(ctx context.Context, actor authz.Actor, id int64, kind string, page api.Page) (found []Problem, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		i, err := find(q, actor, id, "")
		if err != nil {
			return err
		}
		operation := i.operation
		if operation == nil {
			operation = i.checkID
		}
		if operation == nil {
			return nil
		}
		found, total, err = problems(q, actor, i, *operation, kind, page)
		return err
	})
	return found, total, err
}

// change runs a change of an import that has not begun, or, with begun, has.
func (s *Service) change(ctx context.Context, actor authz.Actor, id int64, fn func(tx *db.Tx, i *Import) error) (View, error) {
	var i *Import
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if i, err = find(tx, actor, id, held); err != nil {
			return err
		}
		return fn(tx, i)
	})
	if err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

// Update changes mapping and options (PUT and PATCH /imports/{id}): what is sent. The
// dry run, which was of others, is void.
func (s *Service) Update(ctx context.Context, actor authz.Actor, id int64, form *input.Form[UpdateFields]) (View, error) {
	board, err := s.Pipelines.Board(ctx, actor)
	if err != nil {
		return View{}, err
	}
	fields, err := s.CustomFields.Set(ctx, actor)
	if err != nil {
		return View{}, err
	}
	current, err := s.Get(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	return s.change(ctx, actor, id, func(tx *db.Tx, i *Import) error {
		changed := *form
		changed.Problems = form.Problems.Clone()
		i.apply(&changed, board, fields)
		if err := changed.Err(); err != nil {
			return err
		}
		if i.operation != nil {
			return errBegun()
		}
		if current.State == Checking {
			return conflict("A simulação está em andamento. Cancele-a antes de alterar a importação.")
		}
		i.checkID = nil
		return save(tx, actor, i)
	})
}

func errBegun() error { return conflict("A importação já foi iniciada.") }

// apply writes what was sent into mapping and options, and adds what is wrong.
func (i *Import) apply(form *input.Form[UpdateFields], board *pipelines.Board, fields *customfields.Set) {
	f := &form.Fields
	if f.Mapping.Given() {
		i.applyMapping(f.Mapping.Value, &form.Problems, fields)
	}
	if f.PipelineID.Given() || f.StageID.Given() {
		i.applyPlace(f, board, &form.Problems)
	}
	for place, sent := range map[*string]input.Field[string]{&i.options.MatchBy: f.MatchBy, &i.options.OnDuplicate: f.OnDuplicate, &i.options.Decimal: f.Decimal} {
		if sent.Given() {
			*place = sent.Value
		}
	}
	if f.Tags.Sent {
		i.options.Tags = append([]string{}, f.Tags.Value...)
	}
}

func (i *Import) applyPlace(f *UpdateFields, board *pipelines.Board, problems *faults.Bag) {
	if f.PipelineID.Given() {
		p, ok := board.Pipeline(f.PipelineID.Value)
		if !ok {
			problems.Selected("pipeline_id")
			return
		}
		i.options.PipelineID = p.ID
		if !f.StageID.Given() && len(p.Stages) > 0 {
			i.options.StageID = p.Stages[0].ID
		}
	}
	if f.StageID.Given() {
		stage, ok := board.Stage(f.StageID.Value)
		if !ok || (f.PipelineID.Given() && stage.PipelineID != f.PipelineID.Value) {
			problems.Selected("stage_id")
			return
		}
		i.options.PipelineID, i.options.StageID = stage.PipelineID, stage.ID
	}
}

// applyMapping reads {"heading or letter": "field or null"}: columns that are not named
// keep what they have.
func (i *Import) applyMapping(sent input.Object, problems *faults.Bag, fields *customfields.Set) {
	mapping := slices.Clone(i.mapping)
	for name, raw := range sent.Members() {
		n := i.column(name)
		field, ok := input.Read[string](raw)
		switch {
		case n < 0:
			problems.Add("mapping."+name, "The file has no such column, or several of that name; name it by its letter.")
			continue
		case !ok || (field.Given() && !fieldKnown(field.Value, fields)):
			problems.Selected("mapping." + name)
			continue
		}
		mapping[n] = field.Value
	}
	for n, field := range mapping {
		if field != "" && !takesSeveral(field) && slices.Index(mapping, field) != n {
			problems.Addf("mapping", "The field %s is mapped from more than one column.", field)
		}
	}
	i.mapping = mapping
}

// column is the place of a column by its heading, or by its letter; -1 for none.
func (i *Import) column(name string) int {
	at := -1
	for n, c := range i.columns {
		if strings.EqualFold(c.Header, name) {
			if at >= 0 {
				at = -1
				break
			}
			at = n
		}
	}
	if at >= 0 {
		return at
	}
	for n := range i.columns {
		if spreadsheet.ColumnName(n+1) == name {
			return n
		}
	}
	return -1
}

// DryRun begins a dry run (POST /imports/{id}/dry-run).
func (s *Service) DryRun(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	return s.begin(ctx, actor, id, checkKind)
}

// Start begins the import (POST /imports/{id}/start).
func (s *Service) Start(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	return s.begin(ctx, actor, id, importKind)
}

func (s *Service) begin(ctx context.Context, actor authz.Actor, id int64, kind string) (View, error) {
	current, err := s.Get(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	return s.change(ctx, actor, id, func(tx *db.Tx, i *Import) error {
		switch {
		case i.operation != nil:
			return errBegun()
		case current.State == Checking:
			return conflict("A simulação está em andamento. Aguarde ou cancele-a.")
		case !slices.Contains(i.mapping, "name") && !slices.Contains(i.mapping, "email") && !slices.Contains(i.mapping, "phone") && !slices.Contains(i.mapping, "id"):
			var problems faults.Bag
			problems.Add("mapping", "Map a column to name, email, phone or id first.")
			return problems.Err()
		}
		o, err := s.Operations.Start(tx, actor, kind, parameters{i.ID}, i.Rows)
		if err != nil {
			return err
		}
		if kind == checkKind {
			i.checkID = &o.ID
		} else {
			i.operation = &o.ID
		}
		return save(tx, actor, i)
	})
}

// Cancel ends the dry run or the import that is under way (POST /imports/{id}/cancel).
// What was imported stays, and can be undone.
func (s *Service) Cancel(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	switch {
	case i.operation != nil:
		_, err = s.Operations.Cancel(ctx, actor, importKind, *i.operation)
	case i.checkID != nil:
		_, err = s.Operations.Cancel(ctx, actor, checkKind, *i.checkID)
	default:
		err = conflict("A importação não está em andamento.")
	}
	if err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

func (s *Service) found(ctx context.Context, actor authz.Actor, id int64) (i *Import, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		i, err = find(q, actor, id, "")
		return err
	})
	return i, err
}

// Undo begins to take back what the import has changed (POST /imports/{id}/undo).
func (s *Service) Undo(ctx context.Context, actor authz.Actor, id int64) (View, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil {
		return View{}, err
	}
	if i.operation == nil {
		return View{}, conflict("A importação ainda não foi iniciada.")
	}
	if _, err := s.Operations.Undo(ctx, actor, importKind, *i.operation); err != nil {
		return View{}, err
	}
	return s.show(ctx, actor, i)
}

// Items gives a page of what has become of the rows (GET /imports/{id}/items).
func (s *Service) Items(ctx context.Context, actor authz.Actor, id int64, which operations.Selected, page api.Page) ([]operations.ItemView, int64, error) {
	i, err := s.found(ctx, actor, id)
	if err != nil || i.operation == nil {
		return nil, 0, err
	}
	return s.Operations.Items(ctx, actor, importKind, *i.operation, which, page)
}

// Delete forgets an import and its file (DELETE /imports/{id}). The leads stay.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id int64) error {
	v, err := s.Get(ctx, actor, id)
	if err != nil {
		return err
	}
	if v.State == Checking || v.State == Importing || v.State == Undoing {
		return conflict("A importação está em andamento.")
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := find(tx, actor, id, held); err != nil {
			return err
		}
		return remove(tx, actor, id)
	})
}

// How long files are kept: those that did not come as a whole, and the others, which
// can be undone for as long.
const (
	keptBroken = 24 * time.Hour
	keptWhole  = 31 * 24 * time.Hour
)

// ForgetOld removes what nobody needs any more of a few imports; app calls it every hour.
func (s *Service) ForgetOld(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM imports WHERE id IN (SELECT old.id FROM imports old WHERE old.created_at < $1 OR (old.created_at < $2 AND NOT old.ready) ORDER BY old.created_at LIMIT 20)`,
			tx.Now().Add(-keptWhole), tx.Now().Add(-keptBroken))
		return err
	})
}
