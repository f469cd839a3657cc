package customfields_test

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"testing"

	"syncro/internal/customfields"
	"syncro/internal/faults"
)

// account has four fields: their order is not that of their ids.
var account = customfields.NewSet([]customfields.Field{
	{ID: 12, Name: "setor", Type: customfields.Text, Active: true, SortOrder: 2},
	{ID: 3, Name: "funcionarios", Type: customfields.Number, Active: true, SortOrder: 2},
	{ID: 1, Name: "tamanho_empresa", Type: customfields.Select, Options: []string{"1-10", "100+"}, Active: true, SortOrder: 3},
	{ID: 7, Name: "antigo", Type: customfields.Text, SortOrder: 1},
	{ID: 9, Name: `aspas "e" \`, Type: customfields.Multiselect, Options: []string{"a", `b"]}`}, Active: true, SortOrder: 4},
})

func sent(pairs ...string) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield(pairs[i], json.RawMessage(pairs[i+1])) {
				return
			}
		}
	}
}

func TestASetIsOrderedBySortOrderThenID(t *testing.T) {
	var names []string
	for _, field := range account.Fields() {
		names = append(names, field.Name)
		if field.Options == nil {
			t.Errorf("the options of %s are null", field.Name)
		}
	}
	if want := []string{"antigo", "funcionarios", "setor", "tamanho_empresa", `aspas "e" \`}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestOnlyActiveFieldsAreFoundByName(t *testing.T) {
	if field, ok := account.ByName("setor"); !ok || field.ID != 12 {
		t.Errorf("setor: %+v, %v", field, ok)
	}
	for _, name := range []string{"antigo", "nunca", ""} {
		if field, ok := account.ByName(name); ok {
			t.Errorf("%q: %+v, want none", name, field)
		}
	}
}

func TestMergingChangesOnlyWhatWasSent(t *testing.T) {
	for _, c := range []struct {
		about, stored string
		sent          iter.Seq2[string, json.RawMessage]
		merged        string
	}{
		{"nothing into nothing", "{}", sent(), `{}`},
		{"into a lead that never had any", "", sent("setor", `"TI"`), `{"12":"TI"}`},
		{"ids ascend as numbers", `{"3":1}`, sent("setor", `"TI"`, "tamanho_empresa", `"100+"`), `{"1":"100+","3":1,"12":"TI"}`},
		{"a value is replaced", `{"1":"1-10","3":1}`, sent("funcionarios", `"25"`), `{"1":"1-10","3":25}`},
		{"an empty one clears", `{"1":"1-10","3":1}`, sent("funcionarios", `null`, "setor", `""`), `{"1":"1-10"}`},
		{"the last one clears", `{"3":1}`, sent("funcionarios", `""`), `{}`},
		{"unknown and inactive names are ignored", `{"7":"velho"}`, sent("nunca", `1`, "antigo", `"novo"`), `{"7":"velho"}`},
		{"values of fields that are no more are kept", `{"2":{"a":["}",1]},"40":"x"}`, sent("funcionarios", `5`), `{"2":{"a":["}",1]},"3":5,"40":"x"}`},
		{"of a doubled name the last counts", `{}`, sent("funcionarios", `true`, "funcionarios", `5`), `{"3":5}`},
	} {
		t.Run(c.about, func(t *testing.T) {
			var problems faults.Bag
			if got := account.Merge(c.stored, c.sent, &problems); got != c.merged || !problems.Empty() {
				t.Errorf("%s, %v; want %s", got, problems.Problems(), c.merged)
			}
		})
	}
}

func TestEveryProblemIsReportedUnderItsFieldAndChangesNothing(t *testing.T) {
	var problems faults.Bag
	got := account.Merge(`{"3":1}`, sent("tamanho_empresa", `"51-100"`, "funcionarios", `"dez"`, "setor", `"TI"`), &problems)
	if want := `{"3":1,"12":"TI"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	want := []faults.Problem{
		{Field: "custom_fields.funcionarios", Message: "The custom_fields.funcionarios field must be a number."},
		{Field: "custom_fields.tamanho_empresa", Message: "The selected custom_fields.tamanho_empresa is invalid."},
	}
	if !slices.Equal(problems.Problems(), want) {
		t.Errorf("%v, want %v", problems.Problems(), want)
	}
}

func TestStoredValuesAreShownUnderTheNamesOfActiveFields(t *testing.T) {
	for stored, want := range map[string]string{
		``:                             `{}`,
		`{}`:                           `{}`,
		`{"1":"100+"}`:                 `{"tamanho_empresa":"100+"}`,
		`{"1":"100+","3":25,"12":"a"}`: `{"tamanho_empresa":"100+","funcionarios":25,"setor":"a"}`,
		`{"2":1,"7":"velho","40":[1]}`: `{}`,
		`{"1":true,"7":{"1":"}"},"9":["a","b\"]}"],"12":null}`:             `{"tamanho_empresa":true,"aspas \"e\" \\":["a","b\"]}"],"setor":null}`,
		`{"1":"\\","3":-1.5e3,"9":[["]",{"a":"{"}],"\\\""],"12":"\"\\\\"}`: `{"tamanho_empresa":"\\","funcionarios":-1.5e3,"aspas \"e\" \\":[["]",{"a":"{"}],"\\\""],"setor":"\"\\\\"}`,
	} {
		if got := string(account.AppendJSON([]byte("x"), stored)); got != "x"+want {
			t.Errorf("%s: %s, want %s", stored, got, want)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, seed := range []string{`"a"`, `{"1":["}\\"]}`, `"\\\""`, `1`} {
		f.Add([]byte(seed), `{"1":`+seed)
	}
	f.Fuzz(func(t *testing.T, value []byte, broken string) {
		account.AppendJSON(nil, broken) // a broken text must not bring the server down
		var compact bytes.Buffer
		if json.Compact(&compact, value) != nil {
			return
		}
		stored := `{"1":` + compact.String() + `,"3":5,"7":` + compact.String() + `,"12":` + compact.String() + `}`
		want := map[string]json.RawMessage{"tamanho_empresa": compact.Bytes(), "funcionarios": json.RawMessage("5"), "setor": compact.Bytes()}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(account.AppendJSON(nil, stored), &got); err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		if same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }; !maps.EqualFunc(got, want, same) {
			t.Errorf("%s: %s", stored, got)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	for name, stored := range map[string]string{"none": `{}`, "one": `{"1":"100+"}`, "three": `{"1":"100+","3":25,"12":"Tecnologia \"e\" mais"}`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = account.AppendJSON(dst[:0], stored)
			}
		})
	}
}
