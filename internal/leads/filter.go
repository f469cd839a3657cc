package leads

import (
	"slices"
	"strconv"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/pipelines"
)

// conditions are the WHERE of a statement with its arguments.
type conditions struct {
	where []string
	args  []any
}

// arg adds an argument and gives its parameter.
func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// and adds a condition on a column: "assigned_to = " and a value.
func (c *conditions) and(column string, v any) { c.where = append(c.where, column+c.arg(v)) }

// clone gives the conditions to add arguments to.
func (c *conditions) clone() conditions { return conditions{c.where, slices.Clone(c.args)} }

func (c *conditions) sql() string { return strings.Join(c.where, " AND ") }

// selection is what a list is asked for, in the forms in which it can be answered.
type selection struct {
	conditions          // all of it, for the general case
	counted    *counted // when ready counters know the total
	mergedTags []string // keys of tags that merged leads are asked for by
	tags       []string // keys of tags that others are asked for by
	term       *term    // what is searched for, where SQLite's index has it
	alone      bool     // nothing but these tags and this term is asked for
	stages     []int64  // when nothing but these stages, those of a kind, is asked for
	pipelines  []int64  // when nothing but these pipelines, or everything, is asked for
	pipeline   int64    // when nothing but this pipeline is asked for: its id, the second argument
	none       bool     // nothing can match
}

// counted are the counters that add up to a total.
type counted struct{ conditions }

// Check reads the times of the filters, in the account's zone.
func (f *Criteria) Check(actor authz.Actor, problems *faults.Bag) {
	f.updatedSince = input.MomentField(f.UpdatedSince, actor.Location, "updated_since", problems)
	f.createdFrom = input.MomentField(f.CreatedFrom, actor.Location, "created_from", problems)
	f.createdTo = input.MomentField(f.CreatedTo, actor.Location, "created_to", problems)
}

// selection is what the filters ask for.
func (f *Criteria) selection(actor authz.Actor, engine db.Engine, board *pipelines.Board) *selection {
	s := &selection{}
	s.and("account_id = ", actor.AccountID)
	status := Status(f.Status.Value)
	if status == Merged {
		s.where = append(s.where, "deleted_at IS NULL AND merged_into IS NOT NULL")
	} else {
		s.where = append(s.where, listed)
		s.counted = &counted{}
		s.counted.and("account_id = ", actor.AccountID)
	}
	s.byPlace(f, status, board)
	simple := len(s.where) == 2 // the account and what is listed
	s.byPipeline(f, status, board)
	s.byFields(f)
	if f.updatedSince != nil {
		s.and("updated_at >= ", f.updatedSince.From)
		s.counted = nil
	}
	if f.createdFrom != nil {
		s.and("created_at >= ", f.createdFrom.From)
		s.counted = nil
	}
	if f.createdTo != nil {
		s.and("created_at < ", f.createdTo.To)
		s.counted = nil
	}
	s.alone = simple && s.counted != nil
	s.byTags(f, engine)
	s.byTerm(f, engine)
	return s
}

// byPlace adds the filters that the counters know.
func (s *selection) byPlace(f *Criteria, status Status, board *pipelines.Board) {
	both := func(column string, v any) {
		s.and(column, v)
		if s.counted != nil {
			s.counted.and(column, v)
		}
	}
	if f.PipelineID.Given() {
		both("pipeline_id = ", f.PipelineID.Value)
	}
	if f.StageID.Given() {
		both("stage_id = ", f.StageID.Value)
	}
	switch status {
	case Active, Archived:
		words := map[Status]string{Active: "NOT archived", Archived: "archived"}[status] // as the partial index has it
		s.where, s.counted.where = append(s.where, words), append(s.counted.where, words)
	case Open, Won, Lost:
		ids := board.StagesOfKind(pipelines.Kind(status))
		if f.PipelineID.Given() {
			ids = slices.DeleteFunc(ids, func(id int64) bool { stage, _ := board.Stage(id); return stage.PipelineID != f.PipelineID.Value })
		}
		s.none = len(ids) == 0
		if !f.StageID.Given() {
			s.stages = ids
		}
		s.where = append(s.where, "stage_id = ANY("+s.arg(ids)+")")
		s.counted.where = append(s.counted.where, "stage_id = ANY("+s.counted.arg(ids)+")")
	}
}

// byPipeline notes when the blocks can find a page: nothing but one pipeline, or
// nothing at all, is asked for, so far.
func (s *selection) byPipeline(f *Criteria, status Status, board *pipelines.Board) {
	if f.StageID.Given() || status != "" {
		return
	}
	if f.PipelineID.Given() {
		s.pipeline, s.pipelines = f.PipelineID.Value, []int64{f.PipelineID.Value}
	} else {
		s.pipelines = board.PipelineIDs()
	}
}

func (s *selection) byFields(f *Criteria) {
	if f.AssignedTo.Given() {
		s.and("assigned_to = ", f.AssignedTo.Value)
		s.counted = nil
	}
	if f.Source.Given() {
		s.and("source = ", f.Source.Value)
		s.counted = nil
	}
}

func (s *selection) byTags(f *Criteria, engine db.Engine) {
	if !f.Tags.Given() {
		return
	}
	s.counted = nil
	keys := tagKeys(f.Tags.Value)
	if Status(f.Status.Value) == Merged {
		s.mergedTags = keys
		return
	}
	s.tags = keys
	if engine == db.Postgres {
		s.where = append(s.where, "id IN (SELECT lead_id FROM lead_tags WHERE lead_tags.account_id = "+s.arg(s.args[0])+" AND tag_key = ANY("+s.arg(keys)+"))")
	}
}

// resolveMergedTags looks for tags among merged leads, which the index of tags
// does not have and of which there are few.
func (s *selection) resolveMergedTags(q db.Querier, actor authz.Actor) error {
	if len(s.mergedTags) == 0 {
		return nil
	}
	ids := []int64{}
	rows := q.Query(`SELECT id, tags FROM leads WHERE account_id = $1 AND deleted_at IS NULL AND merged_into IS NOT NULL`, actor.AccountID)
	for rows.Next() {
		var l Lead
		rows.Scan(&l.ID, &l.Tags)
		if slices.ContainsFunc(tagKeys(l.TagNames()), func(key string) bool { return slices.Contains(s.mergedTags, key) }) {
			ids = append(ids, l.ID)
		}
	}
	s.where = append(s.where, "id = ANY("+s.arg(ids)+")")
	return rows.Err()
}

func (s *selection) byTerm(f *Criteria, engine db.Engine) {
	if !f.Q.Given() {
		return
	}
	s.counted = nil
	t := newTerm(f.Q.Value)
	if engine == db.SQLite && t.hasTrigram() && Status(f.Status.Value) != Merged {
		s.term = &t
		return
	}
	s.alone = false
	t.contained(&s.conditions, engine)
}
