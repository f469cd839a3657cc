package setup_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/faults"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
)

// bench is an account with the default pipeline and what applies files to it.
type bench struct {
	t         *testing.T
	db        *db.DB
	service   *setup.Service
	accountID int64
}

func newBench(t *testing.T, d *db.DB, clock *dbtest.Clock) bench {
	t.Helper()
	a := accounts.New(d, accounts.Options{Clock: clock.Now})
	account, err := a.Create(t.Context(), accounts.NewAccount{Name: "Minha Empresa", AdminName: "Ana", AdminEmail: "ana@exemplo.com.br"},
		func(tx *db.Tx, actor authz.Actor) error { return pipelines.CreateDefaults(tx, actor.AccountID) })
	if err != nil {
		t.Fatal(err)
	}
	return bench{t, d, setup.New(d, a), account.ID}
}

func (b bench) parse(file string) *setup.File {
	b.t.Helper()
	parsed, err := setup.Parse([]byte(file))
	if err != nil {
		b.t.Fatal(err)
	}
	return parsed
}

// apply applies a file, after its plan has said the same.
func (b bench) apply(file string) setup.Changes {
	b.t.Helper()
	before := b.version()
	plan, err := b.service.Plan(b.t.Context(), b.accountID, b.parse(file))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.version() != before {
		b.t.Error("the plan changed something")
	}
	changes, err := b.service.Apply(b.t.Context(), b.accountID, b.parse(file))
	if err != nil {
		b.t.Fatal(err)
	}
	if !slices.Equal(plan.Lines, changes.Lines) || !slices.Equal(plan.Kept, changes.Kept) {
		b.t.Errorf("planned %q\ndone    %q", plan, changes)
	}
	if changed := b.version() != before; changed != (len(changes.Lines) > 0) {
		b.t.Errorf("setup version raised: %v, with the changes %q", changed, changes.Lines)
	}
	return changes
}

// expect applies a file and compares what it did.
func (b bench) expect(file string, lines ...string) setup.Changes {
	b.t.Helper()
	changes := b.apply(file)
	if !slices.Equal(changes.Lines, lines) {
		b.t.Errorf("%s\ndid\n%s\nwant\n%s", file, strings.Join(changes.Lines, "\n"), strings.Join(lines, "\n"))
	}
	return changes
}

// refused tries a file that must leave everything as it is.
func (b bench) refused(file string, want string) {
	b.t.Helper()
	before := b.state()
	_, planned := b.service.Plan(b.t.Context(), b.accountID, b.parse(file))
	_, err := b.service.Apply(b.t.Context(), b.accountID, b.parse(file))
	var problems setup.Problems
	if !errors.As(err, &problems) || err.Error() != want || planned == nil || planned.Error() != want {
		b.t.Errorf("%s\ngot     %v\nplanned %v\nwant    %s", file, err, planned, want)
	}
	if after := b.state(); after != before {
		b.t.Errorf("changed\n%s\nto\n%s", before, after)
	}
}

func (b bench) read(do func(q db.Querier) error) {
	b.t.Helper()
	if err := b.db.Read(b.t.Context(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) version() (version int64) {
	b.t.Helper()
	b.read(func(q db.Querier) error {
		return db.Get(q.Query(`SELECT setup_version FROM accounts WHERE id = $1`, b.accountID), &version)
	})
	return version
}

// state is the account's setup in one text.
func (b bench) state() string {
	b.t.Helper()
	var text strings.Builder
	b.read(func(q db.Querier) error {
		for _, sql := range []string{
			`SELECT '', name, '' FROM pipelines WHERE account_id = $1 ORDER BY sort_order, id`,
			`SELECT color, name, kind || ' ' || probability || ' ' || coalesce(rotting_days, 0) FROM stages WHERE account_id = $1 ORDER BY pipeline_id, sort_order, id`,
			`SELECT type, subject, priority || ' ' || due_in_days FROM stage_requirements WHERE account_id = $1 ORDER BY id`,
			`SELECT '', name, '' FROM lost_reasons WHERE account_id = $1 ORDER BY sort_order, id`,
			`SELECT field_type, name, label || ' ' || options FROM custom_fields WHERE account_id = $1 ORDER BY sort_order, id`,
		} {
			rows := q.Query(sql, b.accountID)
			for rows.Next() {
				var x, y, z string
				rows.Scan(&x, &y, &z)
				text.WriteString(strings.TrimSpace(strings.Join([]string{y, x, z}, " ")) + "\n")
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return text.String()
}

func (b bench) addLead(values string, trashed bool) {
	b.t.Helper()
	err := b.db.Write(b.t.Context(), func(tx *db.Tx) error {
		now := tx.Now()
		deleted := &now
		if !trashed {
			deleted = nil
		}
		_, err := tx.Exec(`INSERT INTO leads (account_id, name, name_key, custom_values, pipeline_id, stage_id, stage_since, search_text, search_phone,
				created_at, updated_at, deleted_at)
			SELECT account_id, 'João', 'joao', $2, pipeline_id, id, $3, '', '', $3, $3, $4 FROM stages WHERE account_id = $1 AND name = 'Proposta'`,
			b.accountID, values, now, deleted)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

const whole = `{
	"pipelines": [
		{"name": "Vendas", "stages": [
			{"name": "Novo", "rotting_days": 7},
			{"name": "Documentação", "requirements": [
				{"subject": "Conferir documentos de {{lead_name}}", "due_in_days": 2},
				{"subject": "Ligar", "type": "call", "priority": "high"}]},
			{"name": "proposta", "color": "#aabbcc", "probability": 35},
			{"name": "Ganho", "is_won": true, "is_lost": false},
			{"name": "Desistiu", "kind": "lost"}
		]},
		{"name": "Pós-venda", "stages": [{"name": "Onboarding"}, {"name": "Renovado", "is_won": true}]}
	],
	"lost_reasons": ["Fora de perfil", {"name": "Preço alto"}],
	"custom_fields": [
		{"name": "porte", "type": "select", "options": ["1-10", "11-50"], "show_on_card": true},
		{"name": "data_reuniao", "label": "Reunião", "type": "date", "is_active": false}
	]
}`

func TestAFileIsAppliedOnceAndThenChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		b := newBench(t, d, clock)
		kept := []string{"stage Vendas / Negociação", "stage Vendas / Perdido", "lost reason Sem resposta", "lost reason Escolheu concorrente"}
		changes := b.expect(whole,
			"~ stage Vendas / Novo: rotting_days never → 7",
			"+ stage Vendas / Documentação",
			"+ requirement Vendas / Documentação / Conferir documentos de {{lead_name}}",
			"+ requirement Vendas / Documentação / Ligar",
			"~ stage Vendas / proposta: name Proposta → proposta, probability 40 → 35, color #4ECDC4 → #AABBCC",
			"+ stage Vendas / Desistiu",
			"+ pipeline Pós-venda",
			"+ stage Pós-venda / Onboarding",
			"+ stage Pós-venda / Renovado",
			"+ lost reason Fora de perfil",
			"+ custom field porte",
			"+ custom field data_reuniao",
		)
		if !slices.Equal(changes.Kept, kept) {
			t.Errorf("kept %q, want %q", changes.Kept, kept)
		}
		want := `Vendas
Pós-venda
Novo #45B7D1 open 10 7
Documentação #4ECDC4 open 50 0
proposta #AABBCC open 35 0
Negociação #F7B731 open 70 0
Ganho #20BF6B won 100 0
Perdido #EB3B5A lost 0 0
Desistiu #EB3B5A lost 0 0
Onboarding #45B7D1 open 50 0
Renovado #20BF6B won 100 0
Conferir documentos de {{lead_name}} task medium 2
Ligar call high 0
Fora de perfil
Preço alto
Sem resposta
Escolheu concorrente
porte select Porte ["1-10","11-50"]
data_reuniao date Reunião []
`
		if got := b.state(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if again := b.expect(whole); !slices.Equal(again.Kept, kept) {
			t.Errorf("the second time kept %q", again.Kept)
		}
		if got := b.state(); got != want {
			t.Errorf("after the second time\n%s", got)
		}
	})
}

func TestAMemberThatIsLeftOutLeavesWhatIsThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		b := newBench(t, d, clock)
		b.apply(whole)
		for _, empty := range []string{
			`{}`,
			`{"pipelines":[{"name":"Vendas"}],"custom_fields":[{"name":"PORTE"}],"lost_reasons":[]}`,
			`{"pipelines":[{"name":"Vendas","stages":[{"name":"Novo"},{"name":"Documentação","requirements":[{"subject":"Ligar"}]}]}]}`,
			`{"custom_fields":[{"name":"porte","options":[]}]}`,
		} {
			b.expect(empty)
		}
		b.expect(`{"pipelines":[{"name":"vendas","stages":[{"name":"Novo","rotting_days":null},{"name":"Ganho","is_won":false,"is_lost":true}]}]}`,
			"~ pipeline vendas: name Vendas → vendas",
			"~ stage vendas / Novo: rotting_days 7 → never",
			"~ stage vendas / Ganho: kind won → lost, probability 100 → 0")
		b.expect(`{"pipelines":[{"name":"vendas","stages":[{"name":"Documentação","requirements":[{"subject":"LIGAR","type":"visit"}]}]}]}`,
			"~ requirement vendas / Documentação / LIGAR: subject Ligar → LIGAR, type call → visit")
	})
}

func TestTheFilesOrderBecomesTheOrderOfTheBoard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		b := newBench(t, d, clock)
		b.apply(whole)
		b.expect(`{
			"pipelines":[{"name":"Pós-venda"},{"name":"Vendas","stages":[{"name":"Proposta"},{"name":"Novo"}]}],
			"lost_reasons":["Escolheu concorrente","Fora de perfil"],
			"custom_fields":[{"name":"data_reuniao"},{"name":"Porte","options":["51-200","11-50"]}]}`,
			"~ stage Vendas / Proposta: name proposta → Proposta",
			"~ stages of Vendas: in the order Proposta, Negociação, Ganho, Perdido, Desistiu, Novo, Documentação",
			"~ pipelines: in the order Pós-venda, Vendas",
			"~ lost reasons: in the order Escolheu concorrente, Fora de perfil, Preço alto, Sem resposta",
			"~ custom field porte: options 1-10, 11-50 → 1-10, 51-200, 11-50",
			"~ custom fields: in the order data_reuniao, porte")
		if got := b.state(); !strings.HasPrefix(got, "Pós-venda\nVendas\nProposta #AABBCC") || !strings.HasSuffix(got, `porte select Porte ["1-10","51-200","11-50"]`+"\n") {
			t.Error(got)
		}
	})
}

func TestWhatLeadsDependOnIsNotChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		b := newBench(t, d, clock)
		b.apply(`{"custom_fields":[{"name":"porte","type":"text"},{"name":"setor","type":"text"},{"name":"cor","type":"select","options":["azul"]}]}`)
		b.addLead(`{"1":"pequeno"}`, true)
		b.refused(`{"pipelines":[{"name":"Outra"},{"name":"Vendas","stages":[{"name":"Novo","color":"#000000"},{"name":"Proposta","is_won":true}]}]}`,
			"pipelines[1].stages[1].is_won: the stage holds leads, so it stays open: move them first, or add another stage")
		b.refused(`{"lost_reasons":["Outro"],"custom_fields":[{"name":"setor","type":"number"},{"name":"porte","type":"number"}]}`,
			"custom_fields[1].type: leads have values in the field, so its type stays text: add another field")
		b.refused(`{"custom_fields":[{"name":"setor","type":"select"},{"name":"cor","type":"checkbox","options":["azul"]},{"name":"novo"}],
				"pipelines":[{"name":"Vendas","stages":[{"name":"Ganho","probability":90}]}]}`,
			"pipelines[0].stages[0].probability: is 100 in a won stage\n"+
				"custom_fields[0].options: is required: a select chooses among options\n"+
				"custom_fields[1].options: has no meaning for the type checkbox\n"+
				"custom_fields[2].type: is required for a new custom field")
		b.expect(`{"pipelines":[{"name":"Vendas","stages":[{"name":"Novo","kind":"lost"}]}],
				"custom_fields":[{"name":"setor","type":"number"},{"name":"cor","type":"checkbox"}]}`,
			"~ stage Vendas / Novo: kind open → lost, probability 10 → 0",
			"~ custom field setor: type text → number",
			"~ custom field cor: type select → checkbox, options azul → none")
	})
}

func TestAnotherAccountIsNeitherReadNorChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		mine, other := newBench(t, d, clock), newBench(t, d, clock)
		other.apply(whole)
		before := other.state()
		if changes := mine.apply(whole); len(changes.Lines) != 12 {
			t.Errorf("did %q", changes.Lines)
		}
		if got := mine.state(); got != before {
			t.Errorf("the same file made\n%s\nof another account, and here\n%s", before, got)
		}
		mine.apply(`{"pipelines":[{"name":"Vendas","stages":[{"name":"Ganho","color":"#000000"}]}],"lost_reasons":["Outro"]}`)
		if got := other.state(); got != before {
			t.Errorf("another account was changed to\n%s", got)
		}
		nobody := bench{t, d, mine.service, 4711}
		if _, err := nobody.service.Plan(t.Context(), 4711, nobody.parse(whole)); !faults.Is(err, faults.NotFound) {
			t.Errorf("planning for an unknown account: %v", err)
		}
		if _, err := nobody.service.Apply(t.Context(), 4711, nobody.parse(whole)); !faults.Is(err, faults.NotFound) {
			t.Errorf("applying to an unknown account: %v", err)
		}
	})
}

func TestTwoWhoApplyAFileAtOnceAddEverythingOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		b := newBench(t, d, clock)
		file := b.parse(whole)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := b.service.Apply(t.Context(), b.accountID, file); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		b.expect(whole)
		if v := b.version(); v != 2 {
			t.Errorf("the setup version is %d", v)
		}
	})
}
