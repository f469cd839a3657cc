package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/operations"
)

// Service runs batches and bulk actions.
type Service struct {
	db         *db.DB
	leads      *leads.Service
	operations *operations.Service
	log        *slog.Logger
}

// New makes the service and declares its kind of operation.
func New(d *db.DB, l *leads.Service, o *operations.Service, log *slog.Logger) *Service {
	s := &Service{db: d, leads: l, operations: o, log: log}
	o.Register(operations.Kind{Name: actionKind, Next: s.next})
	return s
}

// maxBatchBody is the most bytes a batch may have: four kilobytes for each of a
// thousand items.
const maxBatchBody = 4 << 20

// groupSize is how many items of a batch share a transaction. On SQLite nobody else
// writes meanwhile.
const groupSize = 100

// batchFields is the body of POST /leads/batch.
type batchFields struct {
	Items  input.Field[[]item] `json:"items" required:"true" maxItems:"1000" doc:"The writes, in the order in which they are done."`
	Atomic input.Field[bool]   `json:"atomic" whenSent:"required" doc:"Do all or none: one item that fails makes the whole a 422 that changes nothing (default false)." example:"false"`
}

// result is what has become of an item.
type result struct {
	Index   int    `json:"index" doc:"Place of the item in the list, from 0." example:"0"`
	Status  int    `json:"status" doc:"Status with which the item alone would have been answered; 424 for one that was not done because another one of an atomic batch failed." example:"200"`
	LeadID  *int64 `json:"lead_id" doc:"Id of the lead." example:"123"`
	Created *bool  `json:"created,omitempty" doc:"Of an upsert: whether the lead was created." example:"false"`
	// The members of a refusal, which are written from the refusal itself.
	Message      *string             `json:"message,omitempty" doc:"Why it failed." example:"The selected stage id is invalid."`
	Errors       map[string][]string `json:"errors,omitempty" doc:"What is wrong with its fields."`
	Blocked      *bool               `json:"blocked,omitempty" doc:"Mandatory tasks hold the lead in its stage." example:"true"`
	PendingTasks []any               `json:"pending_tasks,omitempty" doc:"Those tasks."`
	LimitReached *bool               `json:"limit_reached,omitempty" doc:"The plan's limit of leads is reached." example:"true"`
	refusal      *faults.Error
}

// MarshalJSON writes the members of a refusal beside the others.
func (r result) MarshalJSON() ([]byte, error) {
	type plain result
	text, err := json.Marshal(plain(r))
	if err != nil || r.refusal == nil {
		return text, err
	}
	text[len(text)-1] = ','
	return append(text, api.BodyOf(r.refusal)[1:]...), nil
}

// BatchAnswer is the answer of a batch.
type BatchAnswer struct {
	Success   bool     `json:"success" doc:"Always true; the items tell of themselves." example:"true"`
	Succeeded int      `json:"succeeded" doc:"How many items were done." example:"998"`
	Failed    int      `json:"failed" doc:"How many were refused." example:"2"`
	Results   []result `json:"results" doc:"What has become of each item, in their order."`
}

// Batch does many writes (POST /leads/batch).
func (s *Service) Batch(ctx context.Context, actor authz.Actor, form *input.Form[batchFields]) (BatchAnswer, error) {
	if err := form.Err(); err != nil {
		return BatchAnswer{}, err
	}
	w, err := s.leads.Writer(ctx, actor)
	if err != nil {
		return BatchAnswer{}, err
	}
	b := &batch{db: s.db, actor: actor, writer: w, steps: make([]step, len(form.Fields.Items.Value))}
	for i := range b.steps {
		if b.steps[i], err = form.Fields.Items.Value[i].prepare(ctx, w); err != nil {
			return BatchAnswer{}, err
		}
	}
	if form.Fields.Atomic.Value {
		return b.atomic(ctx)
	}
	answer := BatchAnswer{Success: true}
	for from := 0; from < len(b.steps); from += groupSize {
		part := b.steps[from:min(from+groupSize, len(b.steps))]
		results, err := b.run(ctx, from, part, nil)
		if err != nil && from == 0 {
			return BatchAnswer{}, err
		}
		if err != nil { // what was done before stays, and is told
			s.log.ErrorContext(ctx, "a part of a batch failed", "error", err, "from", from)
			results = failures(from, part)
		}
		answer.Results = append(answer.Results, results...)
	}
	answer.count()
	return answer, nil
}

func (a *BatchAnswer) count() {
	for _, r := range a.Results {
		if r.Status < 300 {
			a.Succeeded++
		} else {
			a.Failed++
		}
	}
}

// failures are the results of items that an error of the server's has undone.
func failures(from int, part []step) []result {
	results := make([]result, len(part))
	for i, step := range part {
		results[i] = step.result(from+i, http.StatusInternalServerError, faults.New(0, "Erro interno do servidor."))
	}
	return results
}

// batch is a batch under way.
type batch struct {
	db     *db.DB
	actor  authz.Actor
	writer *leads.Writer
	steps  []step
}

// errRefused ends the transaction of an atomic batch.
var errRefused = errors.New("an item of an atomic batch was refused")

// atomic does all items in one transaction, or none.
func (b *batch) atomic(ctx context.Context) (BatchAnswer, error) {
	answer := BatchAnswer{Success: true}
	var err error
	answer.Results, err = b.run(ctx, 0, b.steps, func(results []result) error {
		if slices.ContainsFunc(results, func(r result) bool { return r.refusal != nil }) {
			return errRefused
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRefused) {
		return BatchAnswer{}, err
	}
	answer.count()
	if err == nil {
		return answer, nil
	}
	for i := range answer.Results {
		if r := &answer.Results[i]; r.refusal == nil {
			*r = b.steps[i].result(i, http.StatusFailedDependency, faults.New(0, "Não aplicado: outro item do lote falhou."))
		}
	}
	return BatchAnswer{}, faults.New(faults.Refused, fmt.Sprintf("Nenhum item foi aplicado: %d de %d falharam.", answer.Failed, len(b.steps)),
		faults.Member{Name: "success", Value: false}, faults.Member{Name: "results", Value: answer.Results})
}

// run does items in one transaction; verdict, if any, may end it. When the account's
// setup turns out to have changed, it is run once more.
func (b *batch) run(ctx context.Context, from int, part []step, verdict func([]result) error) (results []result, err error) {
	transaction := func(tx *db.Tx) error {
		results = make([]result, 0, len(part))
		if err := b.hold(tx, part); err != nil {
			return err
		}
		for i, step := range part {
			r, err := step.do(tx, from+i)
			if err != nil {
				return err
			}
			results = append(results, r)
		}
		if verdict != nil {
			return verdict(results)
		}
		return nil
	}
	err = b.db.Write(ctx, transaction)
	if leads.Outdated(err) {
		if err = b.writer.Renew(ctx); err == nil {
			err = b.db.Write(ctx, transaction)
		}
	}
	return results, err
}

// hold takes all locks of the items, in one order.
func (b *batch) hold(tx *db.Tx, part []step) error {
	var keys []string
	var ids []int64
	for _, step := range part {
		if step.refusal == nil {
			keys = append(keys, step.write.Locks...)
		}
		if step.leadID != 0 {
			ids = append(ids, step.leadID)
		}
	}
	slices.Sort(keys)
	if err := tx.LockKeys(slices.Compact(keys)...); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	return leads.Hold(tx, b.actor, ids)
}
