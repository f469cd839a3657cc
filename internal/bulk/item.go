package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"syncro/internal/api"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// any value: an item's members are read by the rules of its op.
type anything = input.Field[json.RawMessage]

// item is one write of a batch: the members of all ops. They are read as they are,
// and checked as the body of the single request.
type item struct {
	Op           anything `json:"op" doc:"What is done: upsert (POST /leads/upsert), update (PATCH /leads/{id}), move (PUT /leads/{id}/stage), won, lost, tag (POST /leads/{id}/tags), untag (tags are removed), assign (PUT /leads/{id}/assign), delete." example:"\"upsert\""`
	LeadID       anything `json:"lead_id" doc:"The lead; of every op but upsert." example:"123"`
	Name         anything `json:"name" doc:"Of upsert and update." example:"\"João Silva\""`
	PipelineID   anything `json:"pipeline_id" doc:"Of upsert, update and move." example:"1"`
	StageID      anything `json:"stage_id" doc:"Of upsert, update, move, won and lost." example:"5"`
	Phone        anything `json:"phone" doc:"Of upsert and update." example:"\"+5511999887766\""`
	Email        anything `json:"email" doc:"Of upsert and update." example:"\"joao@acme.com.br\""`
	Company      anything `json:"company" doc:"Of upsert and update." example:"\"ACME\""`
	Birthday     anything `json:"birthday" doc:"Of upsert and update." example:"\"1990-01-15\""`
	Value        anything `json:"value" doc:"Of upsert, update and won." example:"5000"`
	Source       anything `json:"source" doc:"Of upsert and update." example:"\"site\""`
	Tags         anything `json:"tags" doc:"Of upsert, update, tag and untag." example:"[\"vip\"]"`
	Notes        anything `json:"notes" doc:"Of upsert and update." example:"\"Cliente pediu proposta.\""`
	UTMSource    anything `json:"utm_source" doc:"Of upsert and update." example:"\"google\""`
	UTMMedium    anything `json:"utm_medium" doc:"Of upsert and update." example:"\"cpc\""`
	UTMCampaign  anything `json:"utm_campaign" doc:"Of upsert and update." example:"\"verao_2026\""`
	UTMTerm      anything `json:"utm_term" doc:"Of upsert and update." example:"\"crm\""`
	UTMContent   anything `json:"utm_content" doc:"Of upsert and update." example:"\"banner\""`
	AssignedTo   anything `json:"assigned_to" doc:"Of upsert and update." example:"12"`
	CustomFields anything `json:"custom_fields" doc:"Of upsert and update."`
	MatchBy      anything `json:"match_by" doc:"Of upsert." example:"\"email\""`
	Status       anything `json:"status" doc:"Of update." example:"\"archived\""`
	OptedOut     anything `json:"opted_out" doc:"Of update." example:"false"`
	ReasonID     anything `json:"reason_id" doc:"Of lost." example:"3"`
	UserID       anything `json:"user_id" doc:"Of assign." example:"12"`
	TeamID       anything `json:"team_id" doc:"Of assign." example:"2"`
}

// body is the item as the body of a single request.
func (it *item) body() []byte {
	fields := reflect.ValueOf(it).Elem()
	body := []byte{'{'}
	for i := range fields.NumField() {
		f := fields.Field(i).Interface().(anything)
		if !f.Sent {
			continue
		}
		raw := f.Value
		if f.Null || len(raw) == 0 {
			raw = json.RawMessage("null")
		}
		name, _, _ := strings.Cut(fields.Type().Field(i).Tag.Get("json"), ",")
		body = append(append(append(append(body, '"'), name...), `":`...), raw...)
		body = append(body, ',')
	}
	if len(body) > 1 {
		body = body[:len(body)-1]
	}
	return append(body, '}')
}

// aim is what every item says.
type aim struct {
	Op     input.Field[string] `json:"op" required:"true" enum:"upsert,update,move,won,lost,tag,untag,assign,delete"`
	LeadID input.Field[int64]  `json:"lead_id"`
}

// step is an item that has been looked up: a write, or the refusal of it.
type step struct {
	leadID  int64
	op      string
	write   leads.Write
	refusal *faults.Error
}

// prepare reads and looks up an item.
func (it *item) prepare(ctx context.Context, w *leads.Writer) (step, error) {
	body := it.body()
	head := input.Decode[aim](body)
	st := step{op: head.Fields.Op.Value, leadID: head.Fields.LeadID.Value}
	if st.op != "upsert" && !head.Fields.LeadID.Given() && !head.Problems.Has("lead_id") && !head.Problems.Has("op") {
		head.Problems.Required("lead_id")
	}
	err := head.Err()
	if err == nil {
		st.write, err = it.look(ctx, w, st, body)
	}
	if errors.As(err, &st.refusal) {
		return st, nil
	}
	return st, err
}

func (it *item) look(ctx context.Context, w *leads.Writer, st step, body []byte) (leads.Write, error) {
	switch st.op {
	case "upsert":
		form := input.Decode[leads.UpsertFields](body)
		return w.Upsert(ctx, &form)
	case "update":
		form := input.Decode[leads.UpdateFields](body)
		return w.Update(ctx, st.leadID, nil, &form)
	case "move":
		form := input.Decode[leads.MoveFields](body)
		return w.Move(ctx, st.leadID, nil, &form)
	case "won":
		form := input.Decode[leads.WonFields](body)
		return w.Win(ctx, st.leadID, nil, &form)
	case "lost":
		form := input.Decode[leads.LostFields](body)
		return w.Lose(ctx, st.leadID, nil, &form)
	case "tag":
		form := input.Decode[leads.TagFields](body)
		return w.AddTags(st.leadID, nil, &form), nil
	case "untag":
		form := input.Decode[leads.TagFields](body)
		return w.RemoveTags(st.leadID, nil, form.Err, form.Fields.Tags.Value), nil
	case "assign":
		form := input.Decode[leads.AssignFields](body)
		return w.Assign(ctx, st.leadID, nil, &form)
	default:
		return w.Delete(st.leadID, nil), nil
	}
}

// do runs the step; its error is none of the item's own.
func (st *step) do(tx *db.Tx, index int) (result, error) {
	if st.refusal != nil {
		return st.result(index, api.StatusOf(st.refusal), st.refusal), nil //nolint:nilerr // it is the item's, and told in its result
	}
	var done leads.Written
	err := tx.Attempt(func() (err error) {
		done, err = st.write.Run(tx)
		return err
	})
	if refusal, ok := errors.AsType[*faults.Error](err); ok {
		return st.result(index, api.StatusOf(refusal), refusal), nil
	}
	if err != nil {
		return result{}, err
	}
	r := result{Index: index, Status: http.StatusOK, LeadID: &done.Lead.ID}
	if st.op == "upsert" {
		r.Created = &done.Created
		if done.Created {
			r.Status = http.StatusCreated
		}
	}
	return r, nil
}

// result is that of a refusal.
func (st *step) result(index, status int, refusal *faults.Error) result {
	r := result{Index: index, Status: status, refusal: refusal}
	if st.leadID != 0 {
		r.LeadID = &st.leadID
	}
	return r
}
