package leads_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"syncro/internal/leads"
	"syncro/internal/spreadsheet"
)

// table reads an exported table by its headings, a map for each row.
func table(t *testing.T, content string) (rows []map[string]spreadsheet.Cell) {
	t.Helper()
	f, err := spreadsheet.Open(strings.NewReader(content), int64(len(content)), spreadsheet.Options{})
	check(t, err)
	defer func() { check(t, f.Close()) }()
	var headings []string
	for row, err := range f.Rows() {
		check(t, err)
		if headings == nil {
			for _, c := range row.Cells {
				headings = append(headings, c.Text)
			}
			continue
		}
		cells := map[string]spreadsheet.Cell{}
		for i, c := range row.Cells {
			cells[headings[i]] = c
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestAnExportIsTheFilteredListInOrderOfIDs(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.create(t, w.theirs, "Novo", map[string]any{"name": "Alheio", "tags": []string{"vip"}})
		joao := w.create(t, w.mine, "Proposta", map[string]any{
			"name": "João; \"o\" tal", "phone": "11999887766", "email": "joao@acme.com.br", "value": 1234.5, "tags": []string{"vip", "a, b"}, "birthday": "1990-01-15",
			"notes": "=HYPERLINK(\"http://mau\")\nlinha", "assigned_to": w.mine.user, "custom_fields": map[string]any{"tamanho": "100+", "funcionarios": 1.234},
		}).id()
		maria := w.create(t, w.mine, "Novo", map[string]any{"name": "Maria", "source": "-5+3"}).id()
		w.want(t, 200, w.mine, "DELETE", fmt.Sprintf("/leads/%d", w.create(t, w.mine, "Novo", nil).id()), nil)

		for _, query := range []string{"format=csv", "format=csv&delimiter=semicolon", "format=xlsx"} {
			got := w.want(t, 200, w.mine, "GET", "/leads/export?"+query, nil)
			rows := table(t, got.text)
			if len(rows) != 2 || rows[0]["id"].Text != fmt.Sprint(joao) || rows[1]["id"].Text != fmt.Sprint(maria) {
				t.Fatalf("%s: %v", query, rows)
			}
			for column, want := range map[string]string{
				"name": "João; \"o\" tal", "phone": "+5511999887766", "tags": `vip, "a, b"`, "notes": "'=HYPERLINK(\"http://mau\")\nlinha", "stage": "Proposta", "pipeline": "Vendas",
				"assigned_to": "ana@empresa.com.br", "status": "active", "custom_fields.tamanho": "100+",
			} {
				if got := rows[0][column].Text; got != want {
					t.Errorf("%s: %s is %q, want %q", query, column, got, want)
				}
			}
			value, _ := spreadsheet.ParseNumber(rows[0]["value"].Text, 0)
			day, _ := spreadsheet.ParseDay(rows[0]["birthday"].Text)
			if value != "1234.5" || day != "1990-01-15" || rows[1]["source"].Text != "'-5+3" || rows[1]["custom_fields.antigo"] != (spreadsheet.Cell{}) {
				t.Errorf("%s: %q %q %v", query, value, day, rows)
			}
			if employees := rows[0]["custom_fields.funcionarios"]; employees.Kind != spreadsheet.Number {
				if n, _ := spreadsheet.ParseNumber(employees.Text, 0); n != "1.234" && n != "1.2340" {
					t.Errorf("%s: %q", query, n)
				}
			} else if employees.Text != "1.234" {
				t.Errorf("%s: %q", query, employees.Text)
			}
		}
		brazilian := w.want(t, 200, w.mine, "GET", "/leads/export?format=csv&delimiter=semicolon", nil)
		if !strings.HasPrefix(brazilian.text, "\ufeffid;name;") || !strings.Contains(brazilian.text, ";15/01/1990;1234,5;") || brazilian.header.Get("Content-Disposition") != `attachment; filename="leads.csv"` {
			t.Errorf("%q %v", brazilian.text, brazilian.header)
		}

		lines := w.want(t, 200, w.mine, "GET", "/leads/export?format=jsonl", nil)
		if kind := lines.header.Get("Content-Type"); kind != "application/jsonl" {
			t.Error(kind)
		}
		line, _, _ := strings.Cut(lines.text, "\n")
		shown := w.want(t, 200, w.mine, "GET", fmt.Sprintf("/leads/%d?include=owner", joao), nil)
		var wanted struct{ Lead json.RawMessage }
		check(t, json.Unmarshal([]byte(shown.text), &wanted))
		if line != string(wanted.Lead) {
			t.Errorf("%s\n%s", line, wanted.Lead)
		}

		for query, want := range map[string][]string{
			"tags=VIP": {"João; \"o\" tal"}, "q=mari": {"Maria"}, "q=99988": {"João; \"o\" tal"}, "status=won": nil, "stage_id=999": nil, "created_from=2000-01-01&q=jo": {"João; \"o\" tal"},
			"status=merged&tags=vip": nil,
		} {
			var names []string
			for _, row := range table(t, w.want(t, 200, w.mine, "GET", "/leads/export?format=csv&"+query, nil).text) {
				names = append(names, row["name"].Text)
			}
			if !slices.Equal(names, want) {
				t.Errorf("%s: %q", query, names)
			}
		}
	})
}

func TestAnExportThatIsAskedForWronglyIsRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for query, field := range map[string]string{"": "format", "format=pdf": "format", "format=csv&status=new": "status", "format=csv&created_from=ontem": "created_from", "format=csv&delimiter=x": "delimiter"} {
			if got := w.want(t, 422, w.mine, "GET", "/leads/export?"+query, nil); got.at("errors", field) == nil {
				t.Errorf("%s: %s", query, got.text)
			}
		}
	})
}

func TestALargeExportHasEachLeadOnceHoweverManyTurnsItTakes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		stage, pipeline := w.mine.stage(t, "Novo")
		const many = 50_700 // more than one window of ids
		_, err := leads.Load(t.Context(), w.db, w.mine.id, func(yield func(*leads.Lead) bool) {
			for i := range int64(many) {
				if !yield(&leads.Lead{ID: 2*i + 1, Name: fmt.Sprintf("Lead %d", i), Source: "site", Tags: `["vip"]`, PipelineID: pipeline, StageID: stage, CreatedAt: w.clock.Now()}) {
					return
				}
			}
		})
		check(t, err)
		for _, criteria := range []string{"", "&tags=vip", "&tags=vip&source=site&q=lead"} {
			wantAll(t, w.want(t, 200, w.mine, "GET", "/leads/export?format=jsonl"+criteria, nil), many)
		}
	})
}

func wantAll(t *testing.T, got answer, many int) {
	t.Helper()
	n, last := 0, 0
	for line := range bytes.Lines([]byte(got.text)) {
		var l struct{ ID int }
		check(t, json.Unmarshal(line, &l))
		if n++; l.ID <= last {
			t.Fatalf("%d comes after %d", l.ID, last)
		}
		last = l.ID
	}
	if n != many {
		t.Errorf("%d leads", n)
	}
}
