package leads_test

import (
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/events"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
)

// The queries of the workloads that bench/run measures over HTTP, here without
// it: go test -run '^$' -bench . -cpuprofile cpu.out ./internal/leads

const benchmarked = 20_000 // leads

// bench is an account with many leads.
type bench struct {
	leads  *leads.Service
	actor  authz.Actor
	stages []pipelines.Stage
	made   atomic.Int64
}

func BenchmarkLeads(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			s := newBench(b, engine)
			first := leads.Filters{Criteria: leads.Criteria{PipelineID: input.Of(s.stages[0].PipelineID)}}
			// As far down as page 500 of 50 is in 100,000 leads.
			deep := first
			deep.PageQuery = api.PageQuery{Page: input.Of(int64(500)), PerPage: input.Of(int64(10))}
			b.Run("list, page 1", s.list(first))
			b.Run("list, page 500", s.list(deep))
			b.Run("list, two tags", s.list(leads.Filters{Criteria: leads.Criteria{Tags: input.Of([]string{"tag07", "tag08"})}}))
			b.Run("search, many hits", s.list(leads.Filters{Criteria: leads.Criteria{Q: input.Of("silva")}}))
			b.Run("search, common parts", s.list(leads.Filters{Criteria: leads.Criteria{Q: input.Of("exemplo7")}}))
			b.Run("search, few hits", s.list(leads.Filters{Criteria: leads.Criteria{Q: input.Of("99912")}}))
			b.Run("one lead with its owner", func(b *testing.B) {
				for id := int64(0); b.Loop(); id++ {
					answer, err := s.leads.Get(b.Context(), s.actor, 1+id*7919%benchmarked, "owner")
					fatal(b, err)
					answer.AppendJSON(nil)
				}
			})
			// Writes come last: they change the totals.
			b.Run("create", s.eightAtOnce(s.create))
			b.Run("move", s.eightAtOnce(s.move))
		})
	}
}

func newBench(b *testing.B, engine db.Engine) *bench {
	b.Helper()
	clock := dbtest.NewClock()
	d := dbtest.Open(b, dbtest.URL(b, engine), clock)
	s := &bench{actor: dbtest.Account(b, d, clock, 1)}
	for n := int64(2); n <= 15; n++ {
		p := (n-1)/5 + 1
		if n%5 == 1 {
			dbtest.Exec(b, d, `INSERT INTO pipelines (id, account_id, name, sort_order, created_at, updated_at) VALUES ($1, 1, $2, $1, $3, $3)`, p, fmt.Sprint("Funil ", p), clock.Now())
		}
		dbtest.Exec(b, d, `INSERT INTO stages (id, account_id, pipeline_id, name, color, kind, probability, sort_order, created_at, updated_at)
			VALUES ($1, 1, $2, $3, '#4ECDC4', 'open', 50, $1, $4, $4)`, 100+n, p, fmt.Sprint("Etapa ", n), clock.Now())
	}
	var log events.Log
	boards := pipelines.New(d)
	board, err := boards.Board(b.Context(), s.actor)
	fatal(b, err)
	for _, p := range board.Pipelines() {
		s.stages = append(s.stages, p.Stages...)
	}
	s.leads = leads.New(d, &log, accounts.New(d, accounts.Options{Clock: clock.Now}), boards, customfields.New(d), tasks.New(d, &log, clock.Now))
	_, err = leads.Load(b.Context(), d, 1, s.generated(clock.Now()))
	fatal(b, err)
	if engine == db.Postgres {
		dbtest.Exec(b, d, `SELECT gin_clean_pending_list('leads_search'::regclass)`) // as a vacuum will have done
	}
	return s
}

// generated gives leads whose texts are about as long, and as alike, as real ones.
func (s *bench) generated(now time.Time) iter.Seq[*leads.Lead] {
	names := []string{"Ana Silva", "Bruno Souza", "Carla Oliveira", "Diego Rocha", "Elisa Costa", "Fábio Lima", "Gabriela Santos", "Heitor Alves", "Inês Pereira", "João Gomes"}
	return func(yield func(*leads.Lead) bool) {
		for id := int64(1); id <= benchmarked; id++ {
			mixed := id * 2_654_435_761 % 4_294_967_291 // spreads what follows from the id
			stage := s.stages[mixed%int64(len(s.stages))]
			cents := mixed % 5_000_000
			if !yield(&leads.Lead{
				ID: id, Name: names[mixed%10] + " " + names[mixed/10%10], Email: fmt.Sprintf("contato%d@exemplo%d.com.br", id, mixed%40), Phone: fmt.Sprintf("+55119%08d", mixed%100_000_000),
				Company: fmt.Sprintf("Comércio %d Ltda", mixed%5000), ValueCents: &cents, Source: "website", Tags: fmt.Sprintf(`["tag%02d","tag%02d"]`, mixed%50, mixed/50%50),
				PipelineID: stage.PipelineID, StageID: stage.ID, AssignedTo: &s.actor.UserID, Notes: "cliente pediu proposta para o plano mensal com desconto e retorno na semana que vem",
				UTM: [5]string{"google", "cpc", "campanha-07"}, CreatedAt: now.Add(time.Duration(id-benchmarked) * time.Minute),
			}) {
				return
			}
		}
	}
}

func (s *bench) list(f leads.Filters) func(b *testing.B) {
	return func(b *testing.B) {
		var answer []byte
		for b.Loop() {
			page, err := s.leads.List(b.Context(), s.actor, f)
			fatal(b, err)
			answer = page.AppendJSON(answer[:0])
		}
	}
}

// eightAtOnce runs writes as a server gets them: several at a time, which share a
// commit.
func (s *bench) eightAtOnce(write func(b *testing.B, n int64) error) func(b *testing.B) {
	return func(b *testing.B) {
		b.SetParallelism(4) // per processor, of which the reference machine has two
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := write(b, s.made.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
}

func (s *bench) create(b *testing.B, n int64) error {
	stage := s.stages[n%int64(len(s.stages))]
	form := &input.Form[leads.CreateFields]{Fields: leads.CreateFields{
		Name: input.Of(fmt.Sprint("Maria Souza ", n)), PipelineID: input.Of(stage.PipelineID), StageID: input.Of(stage.ID),
		Details: leads.Details{
			Phone: input.Of(fmt.Sprintf("+55119%08d", n)), Email: input.Of(fmt.Sprintf("novo%d@exemplo.com.br", n)), Company: input.Of("Comércio Novo Ltda"),
			Tags: input.Of([]string{"tag07", "tag08"}), Notes: input.Of("cliente pediu proposta"), AssignedTo: input.Of(s.actor.UserID),
		},
	}}
	_, err := s.leads.Create(b.Context(), s.actor, form)
	return err
}

func (s *bench) move(b *testing.B, n int64) error {
	stage := s.stages[n*7%int64(len(s.stages))]
	form := &input.Form[leads.MoveFields]{Fields: leads.MoveFields{StageID: input.Of(stage.ID), PipelineID: input.Of(stage.PipelineID)}}
	_, err := s.leads.Move(b.Context(), s.actor, 1+n*7919%benchmarked, nil, form)
	return err
}

func fatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
