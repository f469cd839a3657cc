package imports

import (
	"context"
	"slices"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/pipelines"
	"syncro/internal/spreadsheet"
)

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
