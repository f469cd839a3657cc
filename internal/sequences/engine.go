package sequences

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
)

// kindName is the kind of work that runs steps. Its keys are accounts: what of an
// account is due is found in its rows, some at a time, so that a hundred thousand
// due enrolments are one job, and an account whose provider is slow holds up no
// other.
const kindName = "sequence_steps"

const (
	// accountsAtOnce is how many accounts a process works on at once.
	accountsAtOnce = 8
	// stepsAtOnce is how many steps of one account run at once.
	stepsAtOnce = 16
	// claimAtLeast is how many steps are claimed at once, unless there are fewer, if that
	// many may begin within gather: a claim costs as much as a step.
	claimAtLeast = stepsAtOnce / 2
	gather       = 50 * time.Millisecond
	// slice is how long an account is worked on before others have their turn.
	slice = 30 * time.Second
	// lease is how long a claimed step is left to whoever claimed it, unless they
	// renew it. Afterwards their process is taken for dead.
	lease      = 45 * time.Second
	renewEvery = 15 * time.Second
	// workLimit ends a job: the slice, and the steps that run at its end. A slow
	// provider may take a minute for each of a question, a message and a template.
	workLimit = slice + 4*time.Minute
)

// engine runs the steps that are due.
type engine struct {
	s  *Service
	mu sync.Mutex
	// working are the accounts that this process works on.
	working map[int64]bool
}

func newEngine(s *Service) *engine { return &engine{s: s, working: map[int64]bool{}} }

// Kinds is the work that runs what is due.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{{Name: kindName, Concurrency: accountsAtOnce, Timeout: workLimit, Work: s.engine.work, Due: s.engine.due}, s.lateJobs()}
}

// enqueue has the engine look at what is due now. What is due later its sweep finds.
func (g *engine) enqueue(tx *db.Tx, actor authz.Actor, due time.Time) error {
	if due.After(tx.Now()) {
		return nil
	}
	return g.s.Queue.Enqueue(tx, kindName, strconv.FormatInt(actor.AccountID, 10), due)
}

// dueSQL finds the accounts of which something is due. It goes through the index
// from account to account, however many rows each has.
const dueSQL = `WITH RECURSIVE account (id) AS (
		SELECT (SELECT account_id FROM sequence_enrollments WHERE due_at IS NOT NULL ORDER BY account_id LIMIT 1)
		UNION ALL
		SELECT (SELECT e.account_id FROM sequence_enrollments e WHERE e.due_at IS NOT NULL AND e.account_id > account.id ORDER BY e.account_id LIMIT 1)
		FROM account WHERE account.id IS NOT NULL
	), first AS (
		SELECT account.id, (SELECT e.due_at FROM sequence_enrollments e WHERE e.account_id = account.id AND e.due_at <= $1 ORDER BY e.due_at LIMIT 1) AS due_at
		FROM account WHERE account.id IS NOT NULL
	)
	SELECT first.id FROM first JOIN accounts a ON a.id = first.id
	WHERE first.due_at IS NOT NULL AND a.status IN ('active', 'trial') ORDER BY first.due_at LIMIT $2`

// due gives the accounts that have been waiting, the longest first.
func (g *engine) due(ctx context.Context, limit int) (keys []string, err error) {
	now := g.s.Clock()
	err = g.s.db.Read(ctx, func(q db.Querier) error {
		keys, err = db.Collect(q.Query(dueSQL, now, limit), func(r *db.Rows, key *string) {
			var account int64
			r.Scan(&account)
			*key = strconv.FormatInt(account, 10)
		})
		return err
	})
	return keys, err
}

// begin makes this the goroutine that works on an account, unless another does.
func (g *engine) begin(account int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.working[account] {
		return false
	}
	g.working[account] = true
	return true
}

func (g *engine) finish(account int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.working, account)
}

// work runs what is due of an account until nothing is, or its time is over.
func (g *engine) work(ctx context.Context, key string) error {
	account, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return fmt.Errorf("the key of a job: %w", err)
	}
	if !g.begin(account) {
		return nil
	}
	defer g.finish(account)
	r := newRound(g.s)
	if r.actor, err = g.s.Accounts.Automation(ctx, account); err != nil {
		return err
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, slice)
	defer cancel()
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var renewal sync.WaitGroup
	renewal.Go(func() { r.renew(renewing) })
	err = r.run(limited)
	r.steps.Wait()
	stop()
	renewal.Wait()
	return errors.Join(err, r.err)
}

// round is one go at what is due of an account.
type round struct {
	s      *Service
	actor  authz.Actor
	board  *pipelines.Board
	fields *customfields.Set
	users  *accounts.Users
	plans  map[planKey]*plan // of one claim: the rules may change between two

	slots   chan struct{} // one for each step that runs
	steps   sync.WaitGroup
	mu      sync.Mutex
	err     error          // of the steps
	running map[int64]bool // the enrolments whose steps run
}

func newRound(s *Service) *round {
	return &round{s: s, slots: make(chan struct{}, stepsAtOnce), running: map[int64]bool{}}
}

type planKey struct{ sequence, version int64 }

// look reads the account's setup.
func (r *round) look(ctx context.Context) (err error) {
	if r.board, err = r.s.Pipelines.Board(ctx, r.actor); err != nil {
		return err
	}
	if r.fields, err = r.s.CustomFields.Set(ctx, r.actor); err != nil {
		return err
	}
	r.users, err = r.s.Accounts.Users(ctx, r.actor)
	return err
}

// run claims what is due and starts its steps, no more than there are slots for,
// until nothing is due, also not by what its own steps have led to, or ctx ends. What
// has begun by then is finished.
func (r *round) run(ctx context.Context) error {
	started := false // since nothing was due
	for ctx.Err() == nil {
		n := r.reserve(ctx)
		if n == 0 {
			return nil
		}
		found, claims, err := r.claim(context.WithoutCancel(ctx), n)
		if err != nil {
			r.release(n)
			return err
		}
		r.release(n - len(claims))
		for _, c := range claims {
			r.started(c)
			r.steps.Go(func() {
				defer r.release(1)
				r.ended(c, c.perform(context.WithoutCancel(ctx), r))
			})
		}
		started = started || len(claims) > 0
		if found == 0 {
			if !started {
				return nil
			}
			r.steps.Wait() // what they have done may have made more due
			started = false
		}
	}
	return nil
}

// reserve waits for a slot, a moment longer for some more, and takes what other ones
// are free.
func (r *round) reserve(ctx context.Context) (n int) {
	select {
	case r.slots <- struct{}{}:
		n++
	case <-ctx.Done():
		return 0
	}
	patience := time.NewTimer(gather)
	defer patience.Stop()
	for n < claimAtLeast {
		select {
		case r.slots <- struct{}{}:
			n++
			continue
		case <-patience.C:
		case <-ctx.Done():
		}
		return n
	}
	for n < stepsAtOnce {
		select {
		case r.slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

func (r *round) release(n int) {
	for range n {
		<-r.slots
	}
}

func (r *round) started(c *claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[c.e.id] = true
}

func (r *round) ended(c *claim, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, c.e.id)
	r.err = errors.Join(r.err, err)
}

// renew renews the leases of the steps that run, until ctx ends. If it cannot, their
// messages are safe all the same: another process would take them for unknown.
func (r *round) renew(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		running := slices.Collect(maps.Keys(r.running))
		r.mu.Unlock()
		if len(running) == 0 {
			continue
		}
		err := r.s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE sequence_enrollments SET due_at = $3 WHERE account_id = $1 AND id = ANY($2) AND running AND status = 'active'`,
				r.actor.AccountID, running, tx.Now().Add(lease))
			return err
		})
		if err != nil && ctx.Err() == nil {
			r.mu.Lock()
			r.err = errors.Join(r.err, fmt.Errorf("renewing leases: %w", err))
			r.mu.Unlock()
		}
	}
}

// Release ends the leases of a process that was killed, so that its steps need not
// wait for them. It is for a database that has one process.
func (s *Service) Release(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE sequence_enrollments SET due_at = $1 WHERE running AND due_at IS NOT NULL`, tx.Now())
		return err
	})
}

// claim is a step that this process is to run, with what it was decided on.
type claim struct {
	e     *enrollment
	p     *plan
	step  *Step
	facts facts
}

// claimSQL takes rows that nobody else holds, and their leads in the same breath:
// whoever changes a lead holds it and then wants its enrolments. CROSS JOIN leads
// SQLite to begin with the enrolments.
const claimSQL = `SELECT ` + enrollmentColumns + ` FROM sequence_enrollments e CROSS JOIN leads l
	WHERE e.account_id = $1 AND e.due_at <= $2 AND l.account_id = e.account_id AND l.id = e.lead_id ORDER BY e.due_at LIMIT $3 FOR UPDATE OF e SKIP LOCKED FOR SHARE OF l SKIP LOCKED`

// claim decides about some enrolments that are due. What is nothing but a change of
// their rows is done at once; the steps that are to run are claimed and given back.
func (r *round) claim(ctx context.Context, limit int) (found int, claims []*claim, err error) {
	err = r.s.db.Write(ctx, func(tx *db.Tx) error {
		found, claims, r.plans = 0, nil, map[planKey]*plan{}
		due, err := collect(tx.Query(claimSQL, r.actor.AccountID, tx.Now(), limit))
		if err != nil || len(due) == 0 {
			return err
		}
		days, err := restDays(tx, r.actor)
		if err != nil {
			return err
		}
		found = len(due)
		ids := make([]int64, 0, found)
		for _, e := range due {
			ids = append(ids, e.leadID)
		}
		known, err := leads.FindAll(tx, r.actor, ids)
		if err != nil {
			return err
		}
		for _, e := range due {
			c, err := r.decide(tx, e, facts{lead: known[e.leadID], days: days})
			if err != nil {
				return err
			}
			if c != nil {
				claims = append(claims, c)
			}
		}
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("claiming due steps: %w", err)
	}
	return found, claims, nil
}

// decide decides about one enrolment. It is nil unless a step is to run.
func (r *round) decide(tx *db.Tx, e *enrollment, f facts) (*claim, error) {
	p, err := r.plan(tx, e)
	if err != nil {
		return nil, err
	}
	if f.lead != nil {
		f.values = r.values(f.lead)
	}
	e.running = false // or its run would not be due: whoever ran it is gone
	switch d := next(p, e, &f, tx.Now()); d.do {
	case exit, complete:
		return nil, r.s.end(tx, r.actor, p, e, d.status, "")
	case jump:
		return nil, r.s.jumped(tx, r.actor, p, e, d, f.days)
	case sleep:
		e.nextStepAt = &d.at
		return nil, store(tx, r.actor, e, &d.at)
	case await:
		e.waiting, e.nextStepAt = true, &d.at
		return nil, store(tx, r.actor, e, &d.at)
	case run:
		e.run++
		e.running = true
		until := tx.Now().Add(lease)
		return &claim{e: e, p: p, step: d.step, facts: f}, store(tx, r.actor, e, &until)
	default:
		return nil, store(tx, r.actor, e, nil)
	}
}

func (r *round) plan(q db.Querier, e *enrollment) (*plan, error) {
	key := planKey{e.sequenceID, e.version}
	if p, ok := r.plans[key]; ok {
		return p, nil
	}
	p, err := planOf(q, r.actor, e.sequenceID, e.version)
	if err == nil {
		r.plans[key] = p
	}
	return p, err
}

// values are what placeholders and conditions need besides the lead.
func (r *round) values(l *leads.Lead) (v values) {
	v.fields, v.custom = r.fields, r.fields.AppendJSON(nil, l.CustomValues)
	if stage, ok := r.board.Stage(l.StageID); ok {
		v.stage = stage.Name
	}
	if pipeline, ok := r.board.Pipeline(l.PipelineID); ok {
		v.pipeline = pipeline.Name
	}
	if l.AssignedTo != nil {
		if user, ok := r.users.ByID(*l.AssignedTo); ok {
			v.owner = user.Name
		}
	}
	return v
}
