package input_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"syncro/internal/faults"
	"syncro/internal/input"
)

// checkText demands of every text what the package promises of it.
func checkText(t *testing.T, fields ...input.Field[string]) {
	t.Helper()
	for _, f := range fields {
		if !utf8.ValidString(f.Value) || strings.ContainsRune(f.Value, 0) || strings.TrimSpace(f.Value) != f.Value {
			t.Errorf("%q is no clean text", f.Value)
		}
		if f.Given() != (f.Value != "") {
			t.Errorf("%+v: given without a text or the other way round", f)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", "{", `{"name":"Ana","pipeline_id":"1","stage_id":5.0}`, `{"name":1e3,"name":null}`, `{"n\u0061me":"\u00e3\ud83d\ude00"}`,
		`{"value":-0.001,"tags":["a",null,"",7],"custom_fields":{"a":{"b":[{}]}},"birthday":"2024-02-29","due_time":"9:05"}`,
		`{"name":"\\\u0000"}`, `{"name":"\ud83d"}`, "{\"name\":\"\xff\"}", "\ufeff {} ", `{"tags":[[[]]],"lines":[{"product_id":1}],"address":{"street":" "}}`,
		`{"value":1e-999999999999,"stage_id":1e999999999999,"phone":5.511999887766e12}`, `{"email":"a@b.c","target_url":"http://x","user_ids":["1"," 2 "]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form := input.Decode[create](body)
		err := form.Err()
		if again := form.Err(); (err == nil) != (again == nil) || (err != nil && err.Error() != again.Error()) {
			t.Errorf("Err is %v, then %v", err, again)
		}
		if malformed := form.Malformed(); malformed != nil {
			if !faults.Is(malformed, faults.Malformed) || !form.Problems.Empty() {
				t.Errorf("%v, with problems %v", malformed, form.Problems)
			}
			return
		}
		var object map[string]json.RawMessage
		if text := strings.Trim(strings.TrimPrefix(string(body), "\ufeff"), " \r\n\t"); text != "" && json.Unmarshal([]byte(text), &object) != nil {
			t.Errorf("read what is no JSON object: %q", body)
		}
		v := form.Fields
		if err == nil && (!v.Name.Given() || !v.PipelineID.Given() || !v.StageID.Given()) {
			t.Errorf("accepted without what is required: %q", body)
		}
		checkText(t, v.Name, v.Phone, v.Email, v.Company, v.Source, v.Notes, v.MatchBy, v.TargetURL, v.Address.Value.Street, v.Address.Value.City)
		for _, tag := range v.Tags.Value {
			checkText(t, input.Of(tag))
		}
		for name, value := range v.CustomFields.Value.Members() {
			if !utf8.ValidString(name) || strings.ContainsRune(name, 0) || !json.Valid(value) {
				t.Errorf("member %q: %q", name, value)
			}
			input.Read[string](value)
			input.Read[[]string](value)
			input.Read[input.Object](value)
		}
		if v.Value.Value < 0 || (v.Payload.Given() && !json.Valid(v.Payload.Value)) {
			t.Errorf("value %d, payload %q", v.Value.Value, v.Payload.Value)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "tags[]=a&tags[]=b", "tags[1]=b&tags[0]=a", "tags=a,b&tags=c", "tags[0][x]=1", "tags[=1", "q[]=x", "q=%ff", "q=%00", "stage_id=+7+&stage_id=",
		"per_page=0&status=won&user_ids=1,x&active_only=1&created_from=2026-06-30T10:00:00+03:00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		v, bag, err := input.Query[filters](values)
		if err != nil {
			if !faults.Is(err, faults.Malformed) {
				t.Error(err)
			}
			return
		}
		checkText(t, v.Q, v.Status, v.CreatedFrom)
		for _, tag := range v.Tags.Value {
			checkText(t, input.Of(tag))
		}
		if v.PerPage.Given() && v.PerPage.Value < 1 {
			t.Errorf("per_page is %d", v.PerPage.Value)
		}
		again, bag2, _ := input.Query[filters](values)
		if problems(bag) != problems(bag2) || len(again.Tags.Value) != len(v.Tags.Value) {
			t.Errorf("read differently the second time: %s, %s", problems(bag), problems(bag2))
		}
	})
}
