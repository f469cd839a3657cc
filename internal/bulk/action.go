package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/operations"
)

// actionKind is the kind of operation that a bulk action is.
const actionKind = "bulk_action"

// sliceSize is how many leads one transaction changes. On SQLite nobody else writes
// meanwhile.
const sliceSize = 200

// actionFields is the body of POST /leads/bulk-actions.
type actionFields struct {
	Filter        input.Field[input.Object] `json:"filter" required:"true" doc:"Which leads: the filters of GET /leads (pipeline_id, stage_id, assigned_to, source, status, tags, q, updated_since, created_from, created_to) as an object; {} for all. Unknown members are refused."`
	ExpectedTotal input.Field[int64]        `json:"expected_total" minimum:"0" doc:"How many leads the filter must select. Left out, the answer only counts them." example:"128"`
	parameters
}

// parameters say what a bulk action does. They are kept with it as they were sent.
type parameters struct {
	Action     input.Field[string]       `json:"action" required:"true" enum:"move,assign,add_tags,remove_tags,update,archive,delete" doc:"What is done with each lead, by the rules of the request that does it with one." example:"move"`
	PipelineID input.Field[int64]        `json:"pipeline_id" doc:"Of move: the pipeline of the stage." example:"1"`
	StageID    input.Field[int64]        `json:"stage_id" doc:"Of move: the stage." example:"7"`
	UserID     input.Field[int64]        `json:"user_id" doc:"Of assign: the user; null for nobody." example:"12"`
	Tags       input.Field[[]string]     `json:"tags" itemMaxLength:"50" doc:"Of add_tags and remove_tags." example:"[\"vip\"]"`
	Fields     input.Field[input.Object] `json:"fields" doc:"Of update: the body of PATCH /leads/{id}."`
}

// ActionView is a bulk action as answers show it.
type ActionView struct {
	operations.View
	Action     string          `json:"action" enum:"move,assign,add_tags,remove_tags,update,archive,delete" doc:"What is done with each lead." example:"move"`
	Filter     json.RawMessage `json:"filter" doc:"Which leads it was for."`
	Parameters json.RawMessage `json:"parameters" doc:"What it was given for the action, as sent."`
}

// stored is what an operation keeps of a bulk action.
type stored struct {
	Action     string          `json:"action"`
	Filter     json.RawMessage `json:"filter"`
	Parameters json.RawMessage `json:"parameters"`
}

func viewOf(o *operations.Operation) (ActionView, error) {
	var kept stored
	if err := json.Unmarshal(o.Parameters, &kept); err != nil {
		return ActionView{}, fmt.Errorf("the parameters of bulk action %d: %w", o.ID, err)
	}
	return ActionView{View: o.View(), Action: kept.Action, Filter: kept.Filter, Parameters: kept.Parameters}, nil
}

// ActionAnswer is the answer that shows a bulk action, or the count of one that was
// not confirmed.
type ActionAnswer struct {
	Success    bool        `json:"success" doc:"Always true." example:"true"`
	Total      *int64      `json:"total,omitempty" doc:"How many leads the filter selects, when expected_total was left out." example:"128"`
	BulkAction *ActionView `json:"bulk_action" doc:"The bulk action; null when expected_total was left out."`
	created    bool
}

// WasCreated makes the answer a 201.
func (a ActionAnswer) WasCreated() bool { return a.created }

// Act begins a bulk action (POST /leads/bulk-actions), or counts its leads.
func (s *Service) Act(ctx context.Context, actor authz.Actor, form *input.Form[actionFields]) (ActionAnswer, error) {
	f := &form.Fields
	w, err := s.leads.Writer(ctx, actor)
	if err != nil {
		return ActionAnswer{}, err
	}
	var criteria leads.Criteria
	if f.Filter.Given() {
		criteria = readFilter(actor, f.Filter.Value, &form.Problems)
	}
	if _, err := f.change(ctx, w, &form.Problems); err != nil {
		return ActionAnswer{}, err
	}
	if err := form.Err(); err != nil {
		return ActionAnswer{}, err
	}
	ids, err := s.leads.Selected(ctx, actor, &criteria)
	if err != nil {
		return ActionAnswer{}, err
	}
	total := int64(len(ids))
	switch {
	case !f.ExpectedTotal.Given():
		return ActionAnswer{Success: true, Total: &total}, nil
	case f.ExpectedTotal.Value != total:
		return ActionAnswer{}, faults.New(faults.Conflict, fmt.Sprintf("O filtro seleciona %d leads, não %d. Nada foi alterado.", total, f.ExpectedTotal.Value),
			faults.Member{Name: "success", Value: false}, faults.Member{Name: "total", Value: total})
	}
	kept, err := f.kept()
	if err != nil {
		return ActionAnswer{}, err
	}
	var o *operations.Operation
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if o, err = s.operations.Start(tx, actor, actionKind, kept, total); err != nil {
			return err
		}
		return aimAt(tx, actor, o.ID, ids)
	})
	if err != nil {
		return ActionAnswer{}, err
	}
	answer, err := answerWith(o)
	answer.created = true
	return answer, err
}

func answerWith(o *operations.Operation) (ActionAnswer, error) {
	view, err := viewOf(o)
	return ActionAnswer{Success: true, BulkAction: &view}, err
}

// kept is what is stored of the form.
func (f *actionFields) kept() (stored, error) {
	given := map[string]any{}
	switch f.Action.Value {
	case "move":
		given["stage_id"], given["pipeline_id"] = f.StageID.Value, f.PipelineID.Value
	case "assign":
		given["user_id"] = f.UserID.Ptr()
	case "add_tags", "remove_tags":
		given["tags"] = f.Tags.Value
	case "update":
		given["fields"] = asObject(f.Fields.Value)
	}
	filter, err := json.Marshal(asObject(f.Filter.Value))
	if err != nil {
		return stored{}, err
	}
	parameters, err := json.Marshal(given)
	return stored{f.Action.Value, filter, parameters}, err
}

func asObject(o input.Object) map[string]json.RawMessage {
	return maps.Collect(o.Members())
}

// change looks up what is done with each lead; what is wrong with it goes to problems.
func (p *parameters) change(ctx context.Context, w *leads.Writer, problems *faults.Bag) (leads.Change, error) {
	require := func(field string, sent bool) {
		if !sent && !problems.Has(field) {
			problems.Required(field)
		}
	}
	switch p.Action.Value {
	case "move":
		require("pipeline_id", p.PipelineID.Given())
		require("stage_id", p.StageID.Given())
		form := input.Form[leads.MoveFields]{Fields: leads.MoveFields{StageID: p.StageID, PipelineID: p.PipelineID}}
		change, err := w.Moving(ctx, &form)
		return change, tell(problems, "", form.Err(), err)
	case "assign":
		require("user_id", p.UserID.Sent)
		form := input.Form[leads.AssignFields]{Fields: leads.AssignFields{UserID: p.UserID}}
		if !p.UserID.Sent {
			form.Fields.UserID = input.Field[int64]{Sent: true, Null: true} // told already
		}
		change, err := w.Assigning(ctx, &form)
		return change, tell(problems, "", form.Err(), err)
	case "add_tags":
		require("tags", len(p.Tags.Value) > 0)
		return w.Tagging(p.Tags.Value), nil
	case "remove_tags":
		require("tags", len(p.Tags.Value) > 0)
		return w.Untagging(p.Tags.Value), nil
	case "update":
		require("fields", p.Fields.Value.Len() > 0)
		body, err := json.Marshal(asObject(p.Fields.Value))
		if err != nil {
			return nil, err
		}
		return updating(ctx, w, body, problems)
	case "archive":
		return updating(ctx, w, []byte(`{"status":"archived"}`), problems)
	default:
		return w.Removing(), nil
	}
}

func updating(ctx context.Context, w *leads.Writer, body []byte, problems *faults.Bag) (leads.Change, error) {
	form := input.Decode[leads.UpdateFields](body)
	change, err := w.Updating(ctx, &form)
	return change, tell(problems, "fields.", form.Err(), err)
}

// tell adds the problems of a part of the form; err is another failure.
func tell(problems *faults.Bag, prefix string, found, err error) error {
	var refusal *faults.Error
	if err != nil || !errors.As(found, &refusal) {
		return err
	}
	for _, p := range refusal.Problems.Problems() {
		problems.Add(prefix+p.Field, p.Message)
	}
	return nil
}

// next prepares the next slice of a bulk action: one row of its targets.
func (s *Service) next(ctx context.Context, actor authz.Actor, op operations.Operation) (operations.Slice, error) {
	var kept stored
	if err := json.Unmarshal(op.Parameters, &kept); err != nil {
		return nil, fmt.Errorf("the parameters of bulk action %d: %w", op.ID, err)
	}
	w, err := s.leads.Writer(ctx, actor)
	if err != nil {
		return nil, err
	}
	form := input.Decode[parameters](kept.Parameters)
	form.Problems = faults.Bag{}
	form.Fields.Action = input.Of(kept.Action)
	change, err := form.Fields.change(ctx, w, &form.Problems)
	if err == nil {
		err = form.Err() // what it refers to has been removed since
	}
	if err != nil {
		return nil, err
	}
	part, _ := strconv.ParseInt(op.Position, 10, 64) // "" at the start
	return func(tx *db.Tx, run *operations.Run) error {
		ids, err := targets(tx, actor, run.ID, part+1)
		if err != nil {
			return err
		}
		changed, err := w.Each(tx, ids, change)
		if err != nil {
			return err
		}
		for i, c := range changed {
			run.Note(itemOf(kept.Action, part*sliceSize+int64(i)+1, c))
		}
		run.Position = strconv.FormatInt(part+1, 10)
		if (part+1)*sliceSize >= run.Total {
			run.Finish()
		}
		return nil
	}, nil
}

// itemOf is what has become of one lead.
func itemOf(action string, number int64, c leads.Changed) operations.Item {
	item := operations.Item{Number: number, LeadID: c.LeadID, Version: c.Version, Outcome: operations.Updated}
	switch {
	case c.Refused != nil:
		return operations.Refused(number, c.LeadID, c.Refused)
	case c.Version == 0:
		item.Outcome = operations.Unchanged
	case action == "delete":
		item.Outcome = operations.Deleted
	case c.Moved:
		item.Outcome = operations.Moved
	}
	return item
}

// aimAt stores the leads of a bulk action.
func aimAt(tx *db.Tx, actor authz.Actor, operation int64, ids []int64) error {
	part := int64(0)
	for from := 0; from < len(ids); from += sliceSize {
		part++
		list, err := json.Marshal(ids[from:min(from+sliceSize, len(ids))])
		if err != nil {
			return err
		}
		if err := tx.Queue(`INSERT INTO bulk_targets (account_id, operation_id, part, leads) VALUES ($1, $2, $3, $4)`, actor.AccountID, operation, part, string(list)); err != nil {
			return err
		}
	}
	return nil
}

// targets reads one part of the leads of a bulk action; none behind the last one.
func targets(tx *db.Tx, actor authz.Actor, operation, part int64) (ids []int64, err error) {
	var list string
	err = db.Get(tx.Query(`SELECT leads FROM bulk_targets WHERE account_id = $1 AND operation_id = $2 AND part = $3`, actor.AccountID, operation, part), &list)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(list), &ids)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the leads of bulk action %d: %w", operation, err)
	}
	return ids, nil
}

// itemsQuery is the query of the items of a bulk action.
type itemsQuery struct {
	Only input.Field[string] `query:"only" enum:"failed,kept" doc:"Only items that failed, or that an undo left as they were, at least in part." example:"failed"`
	api.PageQuery
}
