package pipelines_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/pipelines"
)

// newAccount makes an account with the default pipeline and gives its admin.
func newAccount(t *testing.T, d *db.DB, clock *dbtest.Clock, name string) (*accounts.Service, authz.Actor) {
	t.Helper()
	service := accounts.New(d, accounts.Options{Clock: clock.Now})
	var admin authz.Actor
	_, err := service.Create(t.Context(), accounts.NewAccount{Name: name, AdminName: "Ana", AdminEmail: "ana@exemplo.com.br"},
		func(tx *db.Tx, actor authz.Actor) error {
			admin = actor
			return pipelines.CreateDefaults(tx, actor.AccountID)
		})
	if err != nil {
		t.Fatal(err)
	}
	return service, admin
}

func get(t *testing.T, s *pipelines.Service, actor authz.Actor) string {
	t.Helper()
	router := api.NewRouter(api.Config{
		Log: slog.New(slog.DiscardHandler), Clock: dbtest.NewClock().Now,
		Authenticate: func(context.Context, string) (api.Principal, error) {
			return api.Principal{Actor: actor, RateLimit: 60}, nil
		},
		Allow: func(_ context.Context, _, limit int64) (api.Allowance, error) {
			return api.Allowance{Limit: limit, Remaining: limit, Reset: time.Minute, OK: true}, nil
		},
	})
	s.Routes(router)
	w := httptest.NewRecorder()
	router.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/pipelines", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestTheListIsWhatTheCompanionShows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		_, ana := newAccount(t, d, clock, "Minha Empresa")
		want := `{"success":true,"pipelines":[{"id":1,"name":"Vendas","stages":[` +
			`{"id":1,"name":"Novo","color":"#45B7D1","is_won":false,"is_lost":false},` +
			`{"id":2,"name":"Proposta","color":"#4ECDC4","is_won":false,"is_lost":false},` +
			`{"id":3,"name":"Negociação","color":"#F7B731","is_won":false,"is_lost":false},` +
			`{"id":4,"name":"Ganho","color":"#20BF6B","is_won":true,"is_lost":false},` +
			`{"id":5,"name":"Perdido","color":"#EB3B5A","is_won":false,"is_lost":true}]}],` +
			`"lost_reasons":[{"id":1,"name":"Preço alto"},{"id":2,"name":"Sem resposta"},{"id":3,"name":"Escolheu concorrente"}]}`
		if got := get(t, pipelines.New(d), ana); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		empty := authz.Actor{AccountID: ana.AccountID + 1, Scopes: authz.AllScopes()}
		if got := get(t, pipelines.New(d), empty); got != `{"success":true,"pipelines":[],"lost_reasons":[]}` {
			t.Errorf("an account without pipelines is shown %s", got)
		}
	})
}

func TestAnotherAccountsPipelinesAreNotOnTheBoard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		_, ana := newAccount(t, d, clock, "Minha Empresa")
		_, other := newAccount(t, d, clock, "Outra Empresa")
		service := pipelines.New(d)
		mine, err := service.Board(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := service.Board(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		for _, pipeline := range theirs.Pipelines() {
			if _, ok := mine.Pipeline(pipeline.ID); ok {
				t.Errorf("pipeline %d is on both boards", pipeline.ID)
			}
			for _, stage := range pipeline.Stages {
				if _, ok := mine.Stage(stage.ID); ok {
					t.Errorf("stage %d is on both boards", stage.ID)
				}
			}
		}
		for _, reason := range theirs.LostReasons() {
			if _, ok := mine.LostReason(reason.ID); ok {
				t.Errorf("reason %d is on both boards", reason.ID)
			}
		}
		if len(theirs.StagesOfKind(pipelines.Open, pipelines.Won, pipelines.Lost)) != 5 {
			t.Errorf("the other board is %+v", theirs.Pipelines())
		}
		// Nor are they changed from here.
		stage := theirs.Pipelines()[0].Stages[0]
		stage.Name = "taken over"
		err = d.Write(t.Context(), func(tx *db.Tx) error { return pipelines.UpdateStage(tx, ana.AccountID, stage) })
		if err != nil {
			t.Fatal(err)
		}
		if got := get(t, pipelines.New(d), other); strings.Contains(got, "taken over") {
			t.Errorf("a stage was changed from another account: %s", got)
		}
	})
}

func TestABoardIsReadAgainWhenTheSetupVersionRisesOrWhenAsked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		service, ana := newAccount(t, d, clock, "Minha Empresa")
		s := pipelines.New(d)
		stages := func(board *pipelines.Board, err error) int {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return len(board.StagesOfKind(pipelines.Open))
		}
		if n := stages(s.Board(t.Context(), ana)); n != 3 {
			t.Fatalf("%d open stages", n)
		}
		add := func(name string) {
			t.Helper()
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := pipelines.AddStage(tx, ana.AccountID, pipelines.Stage{PipelineID: 1, Name: name, Color: "#000000", Kind: pipelines.Open, SortOrder: 9})
				if err != nil {
					return err
				}
				return service.SetupChanged(tx, ana.AccountID)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		add("Documentação")
		if n := stages(s.Board(t.Context(), ana)); n != 3 {
			t.Errorf("%d open stages for an actor of the old version", n)
		}
		if n := stages(s.Reload(t.Context(), ana)); n != 4 {
			t.Errorf("%d open stages after Reload", n)
		}
		add("Assinatura")
		ana.SetupVersion += 2
		if n := stages(s.Board(t.Context(), ana)); n != 5 {
			t.Errorf("%d open stages for an actor of the new version", n)
		}
	})
}
