package customfields_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/pipelines"
)

// newAccount makes an account with a pipeline, but no fields, and gives its admin.
func newAccount(t *testing.T, d *db.DB, clock *dbtest.Clock, name string) authz.Actor {
	t.Helper()
	var admin authz.Actor
	_, err := accounts.New(d, accounts.Options{Clock: clock.Now}).Create(t.Context(),
		accounts.NewAccount{Name: name, AdminName: "Ana", AdminEmail: "ana@exemplo.com.br"},
		func(tx *db.Tx, actor authz.Actor) error {
			admin = actor
			return pipelines.CreateDefaults(tx, actor.AccountID)
		})
	if err != nil {
		t.Fatal(err)
	}
	return admin
}

func write(t *testing.T, d *db.DB, do func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, d *db.DB, actor authz.Actor, query string) string {
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
	customfields.New(d).Routes(router)
	w := httptest.NewRecorder()
	router.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/custom-fields"+query, nil))
	return w.Body.String()
}

func TestTheListIsWhatTheCompanionShows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ana, other := newAccount(t, d, clock, "Minha Empresa"), newAccount(t, d, clock, "Outra Empresa")
		write(t, d, func(tx *db.Tx) error {
			for _, field := range []customfields.Field{
				{Name: "campo_antigo", Label: "Campo antigo", Type: customfields.Text, SortOrder: 2},
				{Name: "tamanho_empresa", Label: `"Tamanho" da empresa`, Type: customfields.Select, Options: []string{"1-10", `11 <"50">`}, Active: true, ShowOnCard: true, SortOrder: 1},
			} {
				if _, err := customfields.Add(tx, ana.AccountID, field); err != nil {
					return err
				}
			}
			return nil
		})
		size := `{"id":2,"name":"tamanho_empresa","label":"\"Tamanho\" da empresa","field_type":"select","options":["1-10","11 <\"50\">"],` +
			`"is_required":false,"is_active":true,"show_on_card":true,"sort_order":1}`
		old := `{"id":1,"name":"campo_antigo","label":"Campo antigo","field_type":"text","options":[],` +
			`"is_required":false,"is_active":false,"show_on_card":false,"sort_order":2}`
		for query, want := range map[string]string{
			"":                    `{"success":true,"data":[` + size + `,` + old + `]}`,
			"?active_only=false":  `{"success":true,"data":[` + size + `,` + old + `]}`,
			"?active_only=true":   `{"success":true,"data":[` + size + `]}`,
			"?active_only=1":      `{"success":true,"data":[` + size + `]}`,
			"?active_only=":       `{"success":true,"data":[` + size + `,` + old + `]}`,
			"?active_only=talvez": `{"message":"The active only field must be true or false.","errors":{"active_only":["The active only field must be true or false."]}}`,
		} {
			if got := get(t, d, ana, query); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
			}
		}
		if got := get(t, d, other, ""); got != `{"success":true,"data":[]}` {
			t.Errorf("another account is shown %s", got)
		}
		// Nor is a field changed from another account.
		write(t, d, func(tx *db.Tx) error {
			return customfields.Update(tx, other.AccountID, customfields.Field{ID: 1, Name: "taken_over", Type: customfields.Text, Active: true})
		})
		if got := get(t, d, ana, "?active_only=true"); got != `{"success":true,"data":[`+size+`]}` {
			t.Errorf("after an update from another account: %s", got)
		}
	})
}

func TestAFieldHasValuesOnlyWhereALeadHasItsKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		ana, other := newAccount(t, d, clock, "Minha Empresa"), newAccount(t, d, clock, "Outra Empresa")
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO leads (account_id, name, name_key, custom_values, pipeline_id, stage_id, stage_since, search_text, search_phone,
				created_at, updated_at) VALUES ($1, 'João', 'joao', $2, 1, 1, $3, '', '', $3, $3)`,
				ana.AccountID, `{"12":"\"7\":x","13":["a","7"],"14":"7"}`, tx.Now())
			return err
		})
		err := d.Read(t.Context(), func(q db.Querier) error {
			for _, c := range []struct {
				account, field int64
				want           bool
			}{{ana.AccountID, 12, true}, {ana.AccountID, 14, true}, {ana.AccountID, 7, false}, {ana.AccountID, 2, false}, {other.AccountID, 12, false}} {
				has, err := customfields.HasValues(q, c.account, c.field)
				if err != nil {
					return err
				}
				if has != c.want {
					t.Errorf("field %d of account %d: %v", c.field, c.account, has)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
