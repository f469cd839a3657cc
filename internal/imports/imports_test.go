package imports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"syncro/internal/db"
	"syncro/internal/spreadsheet"
)

const people = "Nome completo;Celular;E-mail;Valor (R$);Nascimento;Etiquetas;Etapa;Responsável;Tamanho da empresa;Funcionários;Cliente VIP;Observações;Coluna X\r\n" +
	"João Silva;(11) 99988-7766;joao@acme.com.br;R$ 1.234,56;15/01/1990;vip, novo;proposta;Ana;acima de 100;1.234;sim;\"linha 1\nlinha 2\";x\r\n" +
	"Maria;;maria@acme.com.br;10;;;;;;;;;\r\n" +
	"\r\n" +
	"Zé;11999887766;;abc;31/02/1990;;Nenhuma;Fulano;outro;;talvez;;\r\n" +
	";11 5555-0000;sem-nome@acme.com.br;;;;;;;;;;\r\n" +
	"João S.;+55 11 99988-7766;;2000;;;;;;;;;\r\n"

// lead finds a lead by its email or name.
func (w *world) lead(t *testing.T, a account, q string) map[string]any {
	t.Helper()
	l, _ := w.want(t, 200, a, "GET", "/leads?include=owner&q="+q, nil).at("data", 0).(map[string]any)
	return l
}

func TestAFileIsRecognisedMappedTriedAndImported(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		content, err := charmap.Windows1252.NewEncoder().String(people)
		check(t, err)
		path, up := w.upload(t, w.mine, `C:\fakepath\pessoas.csv`, content)
		if up.at("import", "encoding") != "windows-1252" || up.at("import", "delimiter") != ";" || up.at("import", "rows") != 5.0 || up.at("import", "file_name") != "pessoas.csv" || up.at("import", "state") != "uploaded" {
			t.Errorf("%s", up.text)
		}
		var suggested []string
		columns, _ := up.at("import", "columns").([]any)
		for _, c := range columns {
			suggested = append(suggested, text(c.(map[string]any)["field"]))
		}
		want := []string{"name", "phone", "email", "value", "birthday", "tags", "stage", "assigned_to", "custom_fields.tamanho", "custom_fields.funcionarios", "custom_fields.cliente_vip", "notes", ""}
		if !slices.Equal(suggested, want) {
			t.Errorf("%q", suggested)
		}

		tried := w.run(t, w.mine, path, "dry-run")
		if got := counts(tried); got != "checked: 5 of 5, 2 created, 1 updated, 0 unchanged, 0 skipped, 2 failed" {
			t.Error(got)
		}
		problems := w.problems(t, w.mine, path, "problem")
		for _, want := range []string{
			"5D abc: The value field must be a number.", "5E 31/02/1990: The birthday field must match the format Y-m-d.", "5G Nenhuma: The selected stage id is invalid.", "5H Fulano: The selected assigned to is invalid.",
			"5I outro: The selected custom_fields.tamanho is invalid.", "5K talvez: ", "6A : The name field is required.",
		} {
			if !strings.Contains(problems, want) {
				t.Errorf("no %q in\n%s", want, problems)
			}
		}
		if got := w.problems(t, w.mine, path, "duplicate"); got != "7 : O mesmo contato está na linha 2: será atualizado." {
			t.Error(got)
		}
		if n := w.want(t, 200, w.mine, "GET", "/leads", nil).at("meta", "total"); n != 0.0 {
			t.Errorf("a dry run has left %v leads", n)
		}

		done := w.run(t, w.mine, path, "start")
		if got := counts(done); got != "done: 5 of 5, 2 created, 1 updated, 0 unchanged, 0 skipped, 2 failed" {
			t.Error(got)
		}
		if got := w.problems(t, w.mine, path, "problem"); got != problems {
			t.Errorf("the import found\n%s\nand the dry run\n%s", got, problems)
		}
		joao := w.lead(t, w.mine, "joao@acme.com.br")
		for member, want := range map[string]any{
			"name": "João S.", "phone": "+5511999887766", "value": 2000.0, "birthday": "1990-01-15", "notes": "linha 1\nlinha 2", "tags": []any{"vip", "novo"},
			"custom_fields": map[string]any{"tamanho": "Acima de 100", "funcionarios": 1234.0, "cliente_vip": true},
		} {
			if fmt.Sprint(joao[member]) != fmt.Sprint(want) {
				t.Errorf("%s is %v, want %v", member, joao[member], want)
			}
		}
		stage, _ := w.mine.stage("Proposta")
		if joao["stage_id"] != float64(stage) || joao["owner"] == nil {
			t.Errorf("%v", joao)
		}
		if n := w.want(t, 200, w.mine, "GET", "/leads", nil).at("meta", "total"); n != 2.0 {
			t.Errorf("%v leads", n)
		}
		w.want(t, 409, w.mine, "POST", path+"/start", nil)
		w.want(t, 409, w.mine, "PUT", path, map[string]any{"match_by": "email"})
		for _, of := range []struct{ method, path string }{{"GET", ""}, {"PUT", ""}, {"DELETE", ""}, {"POST", "/start"}, {"POST", "/undo"}, {"POST", "/cancel"}, {"POST", "/dry-run"}, {"GET", "/problems"}, {"GET", "/items"}} {
			w.want(t, 404, w.theirs, of.method, path+of.path, nil)
		}
	})
}

// everything is each row of the tables that an import changes, but versions, times of
// change and what only counts up.
func (w *world) everything(t *testing.T, a account) (rows map[string]string) {
	t.Helper()
	rows = map[string]string{}
	got := w.want(t, 200, a, "GET", "/leads/export?format=jsonl", nil)
	for line := range strings.Lines(got.text) {
		var l map[string]any
		check(t, json.Unmarshal([]byte(line), &l))
		delete(l, "updated_at")
		text, _ := json.Marshal(l)
		rows[fmt.Sprint("lead ", l["id"])] = string(text)
	}
	check(t, w.db.Read(t.Context(), func(q db.Querier) error {
		found := q.Query(`SELECT id, phone_key, email_key, stage_visit, mandatory_tasks, search_text FROM leads WHERE account_id = $1 AND deleted_at IS NULL`, a.id)
		for found.Next() {
			var id, visit int64
			var phone, email *string
			var search string
			var mandatory bool
			found.Scan(&id, &phone, &email, &visit, &mandatory, &search)
			rows[fmt.Sprint("row ", id)] = fmt.Sprint(text2(phone), text2(email), visit, mandatory, search)
		}
		if err := found.Err(); err != nil {
			return err
		}
		found = q.Query(`SELECT pipeline_id, stage_id, sum(leads)::bigint FROM lead_counters WHERE account_id = $1 GROUP BY pipeline_id, stage_id HAVING sum(leads) <> 0`, a.id)
		for found.Next() {
			var pipeline, stage, n int64
			found.Scan(&pipeline, &stage, &n)
			rows[fmt.Sprint("count ", pipeline, stage)] = fmt.Sprint(n)
		}
		if err := found.Err(); err != nil {
			return err
		}
		found = q.Query(`SELECT id, lead_id, voided_at IS NULL FROM sales WHERE account_id = $1`, a.id)
		for found.Next() {
			var id, lead int64
			var valid bool
			found.Scan(&id, &lead, &valid)
			rows[fmt.Sprint("sale ", id)] = fmt.Sprint(lead, valid)
		}
		return found.Err()
	}))
	return rows
}

func text2(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func (w *world) create(t *testing.T, a account, stage string, more map[string]any) int64 {
	t.Helper()
	id, pipeline := a.stage(stage)
	body := map[string]any{"name": "Antigo", "pipeline_id": pipeline, "stage_id": id}
	maps.Copy(body, more)
	n, _ := w.want(t, 201, a, "POST", "/leads", body).at("lead", "id").(float64)
	return int64(n)
}

func TestAnUndoRestoresExactlyWhatWasThereAndLeavesLaterEdits(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		kept := w.create(t, w.mine, "Novo", map[string]any{"email": "a@acme.com.br", "value": 5, "tags": []string{"velho"}, "custom_fields": map[string]any{"funcionarios": 1}})
		w.create(t, w.mine, "Proposta", map[string]any{"email": "b@acme.com.br", "phone": "11999887766"})
		w.create(t, w.mine, "Ganho", map[string]any{"email": "c@acme.com.br", "value": 10})
		w.create(t, w.mine, "Novo", map[string]any{"name": "De fora"})
		before := w.everything(t, w.mine)

		var file strings.Builder
		file.WriteString("nome,email,valor,tags,etapa,funcionarios\n")
		file.WriteString("A novo,a@acme.com.br,7,\"x,y\",Proposta,9\nB novo,b@acme.com.br,,z,Ganho,\nC novo,c@acme.com.br,,,Novo pipeline,\n")
		for i := range 600 { // more than two parts
			fmt.Fprintf(&file, "Pessoa %d,p%d@acme.com.br,%d,,,\n", i, i, i)
		}
		path, _ := w.upload(t, w.mine, "x.csv", strings.Replace(file.String(), "Novo pipeline", "Documentação", 1))
		w.want(t, 200, w.mine, "PUT", path, map[string]any{"tags": []string{"importado"}})
		if got := counts(w.run(t, w.mine, path, "dry-run")); got != "checked: 603 of 603, 600 created, 3 updated, 0 unchanged, 0 skipped, 0 failed" {
			t.Error(got)
		}
		if !maps.Equal(w.everything(t, w.mine), before) {
			t.Error("a dry run has changed something")
		}
		if got := counts(w.run(t, w.mine, path, "start")); got != "done: 603 of 603, 600 created, 3 updated, 0 unchanged, 0 skipped, 0 failed" {
			t.Error(got)
		}
		if l := w.lead(t, w.mine, "p7@acme.com.br"); l == nil || fmt.Sprint(l["tags"]) != "[importado]" {
			t.Errorf("%v", l)
		}
		if n := w.want(t, 200, w.mine, "GET", "/leads?tags=importado", nil).at("meta", "total"); n != 603.0 {
			t.Errorf("%v leads have the tag", n)
		}

		// What somebody edits now stays: a field of one lead, and a whole new lead.
		edited := w.lead(t, w.mine, "p8@acme.com.br")
		w.want(t, 200, w.mine, "PUT", fmt.Sprintf("/leads/%d", kept), map[string]any{"value": 99})
		w.want(t, 200, w.mine, "PUT", fmt.Sprintf("/leads/%v", edited["id"]), map[string]any{"notes": "falei com ele"})
		undone := w.run(t, w.mine, path, "undo")
		if undone["state"] != "undone" || undone["kept"] != 2.0 {
			t.Errorf("%v", undone)
		}
		items, _ := w.want(t, 200, w.mine, "GET", path+"/items?only=kept", nil).at("data").([]any)
		if len(items) != 2 {
			t.Errorf("%v", items)
		}
		after := w.everything(t, w.mine)
		for _, key := range slices.Sorted(maps.Keys(after)) {
			switch key {
			case fmt.Sprint("lead ", edited["id"]), fmt.Sprint("row ", edited["id"]):
				delete(after, key)
			case fmt.Sprint("lead ", kept):
				after[key] = strings.Replace(after[key], `"value":99`, `"value":5`, 1)
			}
			if strings.HasPrefix(key, "count ") && after[key] != before[key] {
				var n, was int
				_, _ = fmt.Sscan(after[key], &n)
				_, _ = fmt.Sscan(before[key], &was)
				if n == was+1 { // the edited one
					after[key] = before[key]
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(before)) {
			if after[key] != before[key] {
				t.Errorf("%s:\n%s\nwas\n%s", key, after[key], before[key])
			}
			delete(after, key)
		}
		if len(after) > 0 {
			t.Errorf("left: %v", after)
		}
		w.want(t, 409, w.mine, "POST", path+"/undo", nil)
		w.want(t, 200, w.mine, "DELETE", path, nil)
		w.want(t, 404, w.mine, "GET", path, nil)
	})
}

func TestWhatWasExportedIsImportedWithoutAChange(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, w.mine, "Documentação", map[string]any{
			"name": "João; \"o\" tal", "phone": "+5511999887766", "email": "joao@acme.com.br", "company": "'=ACME", "birthday": "1990-01-15", "value": 1234.567, "source": "-site",
			"tags": []string{"vip", "a, b", `diz "oi"`}, "notes": "=HYPERLINK(\"x\")\r\nlinha", "utm_source": "@google",
			"custom_fields": map[string]any{"tamanho": "1-10", "funcionarios": 1.234, "interesses": []string{"a, b", "c"}, "contrato": "2026-12-31", "cliente_vip": false},
		})
		w.create(t, w.mine, "Ganho", map[string]any{"phone": "(11) 5555-0000 r", "custom_fields": map[string]any{"funcionarios": 1234}})
		w.create(t, w.mine, "Novo", nil) // without email and phone
		before := w.everything(t, w.mine)
		for _, query := range []string{"format=csv", "format=csv&delimiter=semicolon", "format=xlsx"} {
			exported := w.want(t, 200, w.mine, "GET", "/leads/export?"+query, nil)
			path, _ := w.upload(t, w.mine, "leads", exported.text)
			for _, what := range []string{"dry-run", "start"} {
				if got := counts(w.run(t, w.mine, path, what)); !strings.HasSuffix(got, "3 of 3, 0 created, 0 updated, 3 unchanged, 0 skipped, 0 failed") {
					t.Errorf("%s, %s: %s\n%s", query, what, got, w.problems(t, w.mine, path, ""))
				}
			}
			if after := w.everything(t, w.mine); !maps.Equal(after, before) {
				t.Errorf("%s:\n%v\n%v", query, after, before)
			}
		}
	})
}

func TestDuplicatesAreUpdatedSkippedOrMadeAnew(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, w.mine, "Novo", map[string]any{"email": "a@acme.com.br"})
		w.create(t, w.theirs, "Novo", map[string]any{"email": "b@acme.com.br"})
		for on, want := range map[string]string{
			"skip":   "done: 3 of 3, 1 created, 0 updated, 0 unchanged, 2 skipped, 0 failed",
			"create": "done: 3 of 3, 3 created, 0 updated, 0 unchanged, 0 skipped, 0 failed",
			"update": "done: 3 of 3, 1 created, 2 updated, 0 unchanged, 0 skipped, 0 failed",
		} {
			path, _ := w.upload(t, w.mine, "x.csv", "nome,email\nA,A@acme.com.br\nB,b@acme.com.br\nB de novo,B@ACME.com.br\n")
			w.want(t, 200, w.mine, "PUT", path, map[string]any{"on_duplicate": on})
			tried := strings.Replace(counts(w.run(t, w.mine, path, "dry-run")), "checked", "done", 1)
			got := counts(w.run(t, w.mine, path, "start"))
			if got != want || tried != want {
				t.Errorf("%s: %s; the dry run: %s", on, got, tried)
			}
			w.run(t, w.mine, path, "undo")
		}
	})
}

func TestTheLimitOfThePlanAndMandatoryTasksAreHonoured(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		blocked := w.create(t, w.mine, "Documentação", map[string]any{"email": "a@acme.com.br"})
		check(t, w.db.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE accounts SET max_leads = 3 WHERE id = $1`, w.mine.id)
			return err
		}))
		path, _ := w.upload(t, w.mine, "x.csv", "nome,email,etapa\nA,a@acme.com.br,Ganho\nB,b@acme.com.br,\nC,c@acme.com.br,\nD,d@acme.com.br,\nB2,b@acme.com.br,\n")
		tried := counts(w.run(t, w.mine, path, "dry-run"))
		problems := w.problems(t, w.mine, path, "problem")
		done := counts(w.run(t, w.mine, path, "start"))
		if done != "done: 5 of 5, 2 created, 1 updated, 0 unchanged, 0 skipped, 2 failed" || strings.Replace(tried, "checked", "done", 1) != done {
			t.Errorf("%s; the dry run: %s", done, tried)
		}
		if want := "2 : Complete mandatory tasks before moving the lead.\n5 : Limite de leads do plano atingido."; problems != want || w.problems(t, w.mine, path, "problem") != want {
			t.Errorf("%s", problems)
		}
		if l := w.want(t, 200, w.mine, "GET", fmt.Sprintf("/leads/%d", blocked), nil); l.at("lead", "name") != "Antigo" {
			t.Errorf("%s", l.text)
		}
	})
}

func TestAWrongFileOrMappingIsRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for content, want := range map[string]string{
			"": "the file is empty", "nome,email\n": "no rows of data", "a,b\n\"x": "row 2, column A: the quote that begins this cell is never closed", "\xd0\xcf\x11\xe0 old": "save it as .xlsx",
		} {
			got := w.send(w.mine, "POST", "/imports?filename=x.csv", "application/octet-stream", []byte(content))
			if got.status != 422 || !strings.Contains(fmt.Sprint(got.at("errors", "file")), want) {
				t.Errorf("%q: %d %s", content, got.status, got.text)
			}
		}
		if got := w.send(w.mine, "POST", "/imports?delimiter=x", "", []byte("a,b\n1,2\n")); got.status != 422 || got.at("errors", "delimiter") == nil {
			t.Errorf("%d %s", got.status, got.text)
		}
		if got := w.send(w.mine, "POST", "/imports", "multipart/form-data; boundary=x", []byte("--x--\r\n")); got.status != 422 || got.at("errors", "file") == nil {
			t.Errorf("%d %s", got.status, got.text)
		}
		if got := w.send(w.mine, "POST", "/imports", "", bytes.Repeat([]byte("a,b\n"), 17<<20)); got.status != 413 {
			t.Errorf("%d %s", got.status, got.text)
		}
		if n := w.want(t, 200, w.mine, "GET", "/imports", nil).at("meta", "total"); n != 0.0 {
			t.Errorf("%v imports", n)
		}
		path, _ := w.upload(t, w.mine, "x.csv", "a,b,b\n1,2,3\n")
		for field, body := range map[string]any{
			"mapping.z": map[string]any{"mapping": map[string]any{"z": "name"}}, "mapping.b": map[string]any{"mapping": map[string]any{"b": "email"}}, "mapping.a": map[string]any{"mapping": map[string]any{"a": "nope"}},
			"mapping": map[string]any{"mapping": map[string]any{"B": "email", "C": "email"}}, "match_by": map[string]any{"match_by": "name"}, "stage_id": map[string]any{"stage_id": 999},
		} {
			if got := w.want(t, 422, w.mine, "PUT", path, body); got.at("errors", field) == nil {
				t.Errorf("%s: %s", field, got.text)
			}
		}
		if got := w.want(t, 422, w.mine, "POST", path+"/start", nil); got.at("errors", "mapping") == nil {
			t.Errorf("%s", got.text)
		}
		got := w.want(t, 200, w.mine, "PATCH", path, map[string]any{"mapping": map[string]any{"a": "name", "C": "custom_fields.funcionarios"}})
		if got.at("import", "columns", 2, "field") != "custom_fields.funcionarios" || got.at("import", "columns", 1, "field") != nil {
			t.Errorf("%s", got.text)
		}
	})
}

func TestAnUploadWithAKeyIsDoneOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		send := func(content string) answer {
			return w.send(w.mine, "POST", "/imports?filename=x.csv", "text/csv", []byte(content), "Idempotency-Key", "k1")
		}
		first, second, other := send("nome,email\nA,a@b.com.br\n"), send("nome,email\nA,a@b.com.br\n"), send("nome,email\nB,b@b.com.br\n")
		if first.status != 201 || second.text != first.text || other.status != 422 {
			t.Errorf("%d %s\n%d %s\n%d %s", first.status, first.text, second.status, second.text, other.status, other.text)
		}
		if n := w.want(t, 200, w.mine, "GET", "/imports", nil).at("meta", "total"); n != 1.0 {
			t.Errorf("%v imports", n)
		}
	})
}

func TestAnXLSXIsImportedByItsTypes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var b bytes.Buffer
		out, err := spreadsheet.NewXLSX(&b, "Contatos")
		check(t, err)
		for _, row := range [][]spreadsheet.Cell{
			{{Text: "Nome"}, {Text: "Valor"}, {Text: "Início do contrato"}, {Text: "qualquer"}},
			{{Text: "Ana"}, {Kind: spreadsheet.Number, Text: "1.234"}, {Kind: spreadsheet.Day, Text: "2026-12-31"}, {Text: "ana@acme.com.br"}},
			{{Text: "Bia"}, {Text: "1.234"}, {Kind: spreadsheet.Number, Text: "46387"}, {Text: "bia@acme.com.br"}},
		} {
			check(t, out.Row(row))
		}
		check(t, out.Close())
		path, up := w.upload(t, w.mine, "c.xlsx", b.String())
		if up.at("import", "format") != "xlsx" || up.at("import", "sheet") != "Contatos" || up.at("import", "columns", 3, "suggested") != "email" {
			t.Errorf("%s", up.text)
		}
		if got := counts(w.run(t, w.mine, path, "start")); got != "done: 2 of 2, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 failed" {
			t.Errorf("%s %s", got, w.problems(t, w.mine, path, ""))
		}
		ana, bia := w.lead(t, w.mine, "ana@acme.com.br"), w.lead(t, w.mine, "bia@acme.com.br")
		if ana["value"] != 1.23 || bia["value"] != 1234.0 || fmt.Sprint(ana["custom_fields"], bia["custom_fields"]) != "map[contrato:2026-12-31] map[contrato:2026-12-31]" {
			t.Errorf("%v\n%v", ana, bia)
		}
	})
}

func TestACancelledImportStopsAndCanBeUndone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		path, _ := w.upload(t, w.mine, "x.csv", "nome,email\nA,a@b.com.br\n")
		w.want(t, 409, w.mine, "POST", path+"/cancel", nil)
		w.want(t, 200, w.mine, "POST", path+"/dry-run", nil)
		w.want(t, 409, w.mine, "POST", path+"/start", nil)
		if got := w.want(t, 200, w.mine, "POST", path+"/cancel", nil); got.at("import", "state") != "uploaded" {
			t.Errorf("%s", got.text)
		}
		w.want(t, 200, w.mine, "POST", path+"/start", nil)
		w.want(t, 409, w.mine, "DELETE", path, nil)
		w.want(t, 200, w.mine, "POST", path+"/cancel", nil)
		w.work(t)
		if got := w.want(t, 200, w.mine, "GET", path, nil); got.at("import", "state") != "cancelled" || got.at("import", "created") != 0.0 {
			t.Errorf("%s", got.text)
		}
	})
}
