package leads_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"syncro/internal/db"
)

func (w *world) upsert(t *testing.T, status int, body map[string]any, stage string) answer {
	t.Helper()
	if stage != "" {
		maps.Copy(body, w.mine.move(t, stage))
	}
	return w.want(t, status, w.mine, "POST", "/leads/upsert", body)
}

func TestAnUpsertFindsAContactInEveryFormOfItsPhoneAndAddress(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.upsert(t, 201, map[string]any{"name": "João", "phone": "+5511999887766", "email": "joao@acme.com.br"}, "Novo")
		if made.at("created") != true {
			t.Errorf("got %s", made.text)
		}
		for _, body := range []map[string]any{
			{"phone": "11 99988-7766"}, {"phone": "+55 11 9988-7766"}, {"phone": 551199887766}, {"phone": "(011) 99988 7766"}, {"email": "JOAO@ACME.COM.BR"},
			{"email": "joao@acme.com.br", "match_by": "email", "phone": "+5521988887777"}, {"phone": "+5521988887777", "match_by": "phone", "email": "x@y.z"}, {"email": "x@y.z"},
		} {
			if got := w.upsert(t, 200, body, ""); got.id() != made.id() || got.at("created") != false {
				t.Errorf("%v: %s", body, got.text)
			}
		}
		if got := w.upsert(t, 201, map[string]any{"name": "Fixo", "phone": "+551133334444"}, "Novo"); got.id() == made.id() {
			t.Error("a landline matched")
		}
		w.upsert(t, 201, map[string]any{"name": "Celular", "phone": "+5511933334444"}, "Novo")
	})
}

func TestAnUpsertChangesOnlyWhatIsNotEmpty(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.upsert(t, 201, map[string]any{"name": "João", "email": "a@b.c", "company": "ACME", "value": 5, "tags": []any{"x", "y"}, "custom_fields": map[string]any{"tamanho": "100+", "funcionarios": 2}}, "Novo")
		got := w.upsert(t, 200, map[string]any{"email": "a@b.c", "name": "", "company": nil, "value": "", "tags": []any{}, "custom_fields": map[string]any{"tamanho": "", "funcionarios": 9}, "notes": "novo"}, "")
		for member, want := range map[string]string{"name": "João", "company": "ACME", "value": "5", "tags": "[x y]", "custom_fields": "map[funcionarios:9 tamanho:100+]", "notes": "novo"} {
			if got := fmt.Sprint(got.at("lead", member)); got != want {
				t.Errorf("%s: %s, want %s", member, got, want)
			}
		}
		got = w.upsert(t, 200, map[string]any{"email": "a@b.c", "tags": []any{"z"}}, "Proposta")
		if got.id() != made.id() || fmt.Sprint(got.at("lead", "tags")) != "[z]" || got.at("lead", "stage", "name") != "Proposta" {
			t.Errorf("got %s", got.text)
		}
	})
}

func TestAnUpsertSaysWhatIsMissing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, pipeline := w.mine.stage(t, "Novo")
		for _, c := range []struct {
			body map[string]any
			want string
		}{
			{map[string]any{"name": "x"}, `"errors":{"phone":["The phone field is required when email is not present."],"email":["The email field is required when phone is not present."]}}`},
			{map[string]any{"phone": "1", "match_by": "email"}, `"errors":{"email":["The email field is required."]}}`},
			{map[string]any{"email": "a@b.c", "match_by": "phone"}, `"errors":{"phone":["The phone field is required."]}}`},
			{map[string]any{"email": "a@b.c", "match_by": "name"}, `"errors":{"match_by":["The selected match by is invalid."]}}`},
			{map[string]any{"email": "a@b.c", "pipeline_id": pipeline}, `"errors":{"stage_id":["The stage id field is required."]}}`},
			{map[string]any{"email": "new@b.c"}, `"errors":{"name":["The name field is required."],"pipeline_id":["The pipeline id field is required."],"stage_id":["The stage id field is required."]}}`},
			{map[string]any{"email": "nobody"}, `"errors":{"email":["The email field must be a valid email address."]}}`},
		} {
			w.create(t, w.mine, "Novo", map[string]any{"email": "a@b.c"})
			got := w.want(t, 422, w.mine, "POST", "/leads/upsert", c.body)
			if len(got.text) < len(c.want) || got.text[len(got.text)-len(c.want):] != c.want {
				t.Errorf("%v: %s\nwant …%s", c.body, got.text, c.want)
			}
		}
	})
}

func TestABlockedMoveUndoesTheWholeUpsert(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.upsert(t, 201, map[string]any{"name": "João", "email": "a@b.c"}, "Documentação")
		if got := w.upsert(t, 422, map[string]any{"email": "a@b.c", "company": "ACME"}, "Novo"); got.at("blocked") != true {
			t.Errorf("got %s", got.text)
		}
		if got := w.upsert(t, 200, map[string]any{"email": "a@b.c"}, ""); got.id() != made.id() || got.at("lead", "company") != nil {
			t.Errorf("got %s", got.text)
		}
	})
}

func TestOfSeveralMatchesTheMostRecentlyUpdatedIsTaken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		older := w.create(t, w.mine, "Novo", map[string]any{"email": "a@b.c"})
		w.create(t, w.mine, "Novo", map[string]any{"email": "a@b.c"})
		w.clock.Advance(time.Minute)
		w.want(t, 200, w.mine, "PATCH", fmt.Sprintf("/leads/%d", older.id()), map[string]any{"notes": "x"})
		if got := w.upsert(t, 200, map[string]any{"email": "a@b.c", "phone": "+5511999887766"}, ""); got.id() != older.id() {
			t.Errorf("got %s", got.text)
		}
	})
}

func TestRacingUpsertsOfANewContactMakeOneLead(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		phones := []string{"+5511999887766", "11999887766", "+551199887766", "(11) 9 9988-7766"}
		var group sync.WaitGroup
		for i := range 32 {
			group.Go(func() {
				body := map[string]any{"name": fmt.Sprint("João ", i), "phone": phones[i%4]}
				if i%2 == 0 {
					body["email"] = "joao@acme.com.br"
				}
				maps.Copy(body, w.mine.move(t, "Novo"))
				if got := w.do(w.mine, "POST", "/leads/upsert", body); got.status != 200 && got.status != 201 {
					t.Errorf("upsert %d: %d %s", i, got.status, got.text)
				}
			})
		}
		group.Wait()
		if n := w.count(t, `SELECT count(*) FROM leads`); n != 1 {
			t.Errorf("%d leads", n)
		}
		w.checkCounters(t)
	})
}

func TestAPlanLimitIsNeverPassedByRacingCreations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		check(t, w.db.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Queue(`UPDATE accounts SET max_leads = 5 WHERE id = $1`, w.mine.id); err != nil {
				return err
			}
			return w.account.SetupChanged(tx, w.mine.id)
		}))
		var group sync.WaitGroup
		for i := range 30 {
			group.Go(func() {
				body := w.mine.move(t, "Novo")
				body["name"], body["email"] = "x", fmt.Sprintf("a%d@b.c", i)
				path := "/leads"
				if i%2 == 0 {
					path = "/leads/upsert"
				}
				got := w.do(w.mine, "POST", path, body)
				if got.status == 422 && got.text != `{"success":false,"message":"Limite de leads do plano atingido.","limit_reached":true}` {
					t.Errorf("got %s", got.text)
				}
			})
		}
		group.Wait()
		if n := w.count(t, `SELECT count(*) FROM leads`); n != 5 {
			t.Errorf("%d leads with a limit of 5", n)
		}
		if got := w.want(t, 422, w.mine, "POST", "/leads", map[string]any{}); got.at("limit_reached") != true {
			t.Errorf("the limit is tested before the body: %s", got.text)
		}
		first := w.want(t, 200, w.mine, "GET", "/leads?sort=id", nil).at("data", 0).(map[string]any)
		w.upsert(t, 200, map[string]any{"email": first["email"], "notes": "an update at the limit"}, "")
		w.want(t, 200, w.mine, "DELETE", fmt.Sprintf("/leads/%v", first["id"]), nil)
		w.create(t, w.mine, "Novo", nil)
		w.checkCounters(t)
	})
}
