package input_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"syncro/internal/calendar"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/money"
)

type place struct {
	PipelineID input.Field[int64] `json:"pipeline_id" required:"true"`
	StageID    input.Field[int64] `json:"stage_id" required:"true" doc:"Target stage" example:"5"`
}

type tracking struct {
	UTMSource input.Field[string] `json:"utm_source" maxLength:"100"`
	UTMMedium input.Field[string] `json:"utm_medium" maxLength:"100"`
}

// create is a lead as POST /leads takes it.
type create struct {
	Name input.Field[string] `json:"name" required:"true" maxLength:"255" doc:"Lead name" example:"João Silva"`
	place
	Phone    input.Field[string]        `json:"phone" maxLength:"20"`
	Email    input.Field[string]        `json:"email" format:"email" maxLength:"191" example:"joao@acme.com.br"`
	Company  input.Field[string]        `json:"company" maxLength:"191"`
	Birthday input.Field[calendar.Date] `json:"birthday" example:"1990-01-15"`
	Value    input.Field[money.Cents]   `json:"value" minimum:"0" maximum:"9999999999.99" example:"5000"`
	Source   input.Field[string]        `json:"source" maxLength:"100"`
	Tags     input.Field[[]string]      `json:"tags" itemMaxLength:"50" maxItems:"500" example:"vip,enterprise"`
	Notes    input.Field[string]        `json:"notes" maxLength:"2000"`
	tracking
	AssignedTo   input.Field[int64]           `json:"assigned_to"`
	CustomFields input.Field[input.Object]    `json:"custom_fields" example:"{\"tamanho_empresa\":\"100+\"}"`
	MatchBy      input.Field[string]          `json:"match_by" enum:"email,phone,email_or_phone"`
	Override     input.Field[bool]            `json:"override_opt_out"`
	DueTime      input.Field[calendar.Clock]  `json:"due_time"`
	TargetURL    input.Field[string]          `json:"target_url" format:"uri" whenSent:"required"`
	UserIDs      input.Field[[]int64]         `json:"user_ids" minItems:"2" whenSent:"required"`
	Events       input.Field[[]string]        `json:"events" enum:"lead.won,lead.lost"`
	Payload      input.Field[json.RawMessage] `json:"payload"`
	Address      input.Field[address]         `json:"address"`
	Lines        input.Field[[]line]          `json:"lines" maxItems:"3"`
}

type address struct {
	Street input.Field[string] `json:"street" required:"true"`
	City   input.Field[string] `json:"city" maxLength:"5"`
}

type line struct {
	ProductID input.Field[int64] `json:"product_id" required:"true" minimum:"1"`
}

// whole is a body without problems, to which tests add what they are about.
const whole = `"name":"Ana","pipeline_id":1,"stage_id":5`

func problems(bag faults.Bag) string {
	var b strings.Builder
	for _, p := range bag.Problems() {
		fmt.Fprintf(&b, "%s: %s\n", p.Field, p.Message)
	}
	return strings.TrimSpace(b.String())
}

func TestValuesAreReadLoosely(t *testing.T) {
	form := input.Decode[create]([]byte("\ufeff \n" + `{
		"unknown": {"a": [1, "]"]}, "name": "x", "name": "  João \"Ão\" \u00e3\ud83d\ude00\u00a0",
		"pipeline_id": " 5 ", "stage_id": 1.2e1, "phone": 5511999887766, "email": "joao@acme.com.br", "company": "",
		"birthday": "1990-01-15", "value": "1500.505", "source": null, "tags": ["vip", 7, " a,b "], "notes": 5511999887766.0,
		"utm_source": 1.50, "assigned_to": "12.0", "override_opt_out": "TRUE", "due_time": "9:05", "target_url": "https://example.com/x?y=1",
		"custom_fields": {"b": 1, "a": [1, {"c": "}"}], "b": "2"}, "user_ids": ["1", 2], "events": [], "payload": {"x": [ ]},
		"\u0061ddress": {"street": " Rua A ", "city": null}, "lines": [{"product_id": "3"}, {"product_id": 4}]
	} `))
	if err := form.Err(); err != nil {
		t.Fatalf("%v\n%s", err, problems(form.Problems))
	}
	f := form.Fields
	for _, c := range []struct{ got, want any }{
		{f.Name, input.Of(`João "Ão" ã😀`)}, {f.PipelineID, input.Of(int64(5))}, {f.StageID, input.Of(int64(12))},
		{f.Phone, input.Of("5511999887766")}, {f.Birthday, input.Of(calendar.Date("1990-01-15"))}, {f.Value, input.Of(money.Cents(150051))},
		{f.Company, input.Field[string]{Sent: true, Null: true}}, {f.Source, input.Field[string]{Sent: true, Null: true}},
		{f.UTMMedium, input.Field[string]{}}, {f.Tags, input.Of([]string{"vip", "7", "a,b"})}, {f.Notes, input.Of("5511999887766")},
		{f.UTMSource, input.Of("1.50")}, {f.AssignedTo, input.Of(int64(12))}, {f.Override, input.Of(true)}, {f.DueTime, input.Of(calendar.Clock("09:05"))},
		{f.UserIDs, input.Of([]int64{1, 2})}, {f.Events, input.Of([]string{})}, {string(f.Payload.Value), `{"x": [ ]}`},
		{f.Address.Value.Street, input.Of("Rua A")}, {f.Address.Value.City.Cleared(), true}, {f.Lines.Value[1].ProductID, input.Of(int64(4))},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %+v, want %+v", c.got, c.want)
		}
	}
	var members []string
	for name, value := range f.CustomFields.Value.Members() {
		members = append(members, name+"="+string(value))
	}
	if got := strings.Join(members, " "); got != `b="2" a=[1, {"c": "}"}]` {
		t.Errorf("custom fields: %s", got)
	}
	if f.Phone.Ptr() == nil || f.Company.Ptr() != nil || f.UTMMedium.Ptr() != nil || f.Company.Given() || f.UTMMedium.Cleared() {
		t.Error("a field does not tell given, cleared and absent apart")
	}
}

func TestAnEmptyBodyIsAnEmptyObject(t *testing.T) {
	for _, body := range []string{"", " \r\n\t", "\ufeff", "{}", `{"name":null,"pipeline_id":"","stage_id":" "}`} {
		form := input.Decode[create]([]byte(body))
		want := "name: The name field is required.\npipeline_id: The pipeline id field is required.\nstage_id: The stage id field is required."
		if got := problems(form.Problems); got != want || form.Malformed() != nil {
			t.Errorf("%q: %v %s", body, form.Malformed(), got)
		}
		if err := form.Err(); err == nil || err.Error() != "The name field is required. (and 2 more errors)" {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestEveryWrongFieldIsReportedOnce(t *testing.T) {
	long := strings.Repeat("ã", 51)
	for _, c := range []struct{ body, want string }{
		{`"name":` + `["x"]`, "name: The name field must be a string."},
		{`"name":true`, "name: The name field must be a string."},
		{`"name":"` + strings.Repeat("ã", 255) + `"`, ""},
		{`"name":"` + strings.Repeat("ã", 256) + `"`, "name: The name field must not be greater than 255 characters."},
		{`"stage_id":"abc"`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":1.5`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":true`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":9223372036854775807`, ""},
		{`"stage_id":9223372036854775808`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":12345678901234567890`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":1e999999999999999999999`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":"0x10"`, "stage_id: The stage id field must be an integer."},
		{`"stage_id":"١٢"`, "stage_id: The stage id field must be an integer."},
		{`"value":"abc"`, "value: The value field must be a number."},
		{`"value":"1.500,50"`, "value: The value field must be a number."},
		{`"value":[]`, "value: The value field must be a number."},
		{`"value":"+5"`, ""},
		{`"value":-0.0`, ""},
		{`"value":-1`, "value: The value field must be at least 0."},
		{`"value":-0.001`, "value: The value field must be at least 0."},
		{`"value":-1e400`, "value: The value field must be at least 0."},
		{`"value":9999999999.99`, ""},
		{`"value":9999999999.9850`, ""},
		{`"value":9999999999.991`, "value: The value field must not be greater than 9999999999.99."},
		{`"value":1e10`, "value: The value field must not be greater than 9999999999.99."},
		{`"value":1e400`, "value: The value field must not be greater than 9999999999.99."},
		{`"email":"joao"`, "email: The email field must be a valid email address."},
		{`"email":"` + strings.Repeat("a", 190) + `@b.co"`, "email: The email field must not be greater than 191 characters."},
		{`"birthday":"15/01/1990"`, "birthday: The birthday field must match the format Y-m-d."},
		{`"birthday":19900115`, "birthday: The birthday field must match the format Y-m-d."},
		{`"due_time":"25:00"`, "due_time: The due time field must match the format H:i."},
		{`"override_opt_out":"yes"`, "override_opt_out: The override opt out field must be true or false."},
		{`"override_opt_out":2`, "override_opt_out: The override opt out field must be true or false."},
		{`"match_by":"name"`, "match_by: The selected match by is invalid."},
		{`"target_url":"ftp://x"`, "target_url: The target url field must be a valid URL."},
		{`"target_url":null`, "target_url: The target url field is required."},
		{`"tags":"vip"`, "tags: The tags field must be an array."},
		{`"tags":{}`, "tags: The tags field must be an array."},
		{`"tags":["a",null,{}," ","` + long + `","` + long[2:] + `"]`, "tags.1: The tags.1 field must be a string.\ntags.2: The tags.2 field must be a string.\n" +
			"tags.3: The tags.3 field is required.\ntags.4: The tags.4 field must not be greater than 50 characters."},
		{`"user_ids":[]`, "user_ids: The user ids field is required."},
		{`"user_ids":[1]`, "user_ids: The user ids field must have at least 2 items."},
		{`"user_ids":[1,"x"]`, "user_ids.1: The user ids.1 field must be an integer."},
		{`"events":["lead.won","lead.gone"]`, "events.1: The selected events.1 is invalid."},
		{`"custom_fields":"x"`, "custom_fields: The custom fields field must be an array."},
		{`"custom_fields":["x"]`, "custom_fields: The custom fields field must be an array."},
		{`"custom_fields":[]`, ""},
		{`"address":{"city":"Brasília"}`, "address.street: The address.street field is required.\naddress.city: The address.city field must not be greater than 5 characters."},
		{`"address":[]`, "address: The address field must be an array."},
		{`"lines":[{"product_id":0},{},5]`, "lines.0.product_id: The lines.0.product id field must be at least 1.\nlines.1.product_id: The lines.1.product id field is required.\n" +
			"lines.2: The lines.2 field must be an array."},
		{`"lines":[{"product_id":1},{"product_id":1},{"product_id":1},{"product_id":1}]`, "lines: The lines field must not have more than 3 items."},
	} {
		form := input.Decode[create]([]byte("{" + whole + "," + c.body + "}"))
		if got := problems(form.Problems); got != c.want || form.Malformed() != nil {
			t.Errorf("%s: %v\n got %s\nwant %s", c.body, form.Malformed(), got, c.want)
		}
		if c.want != "" && form.Fields.Value.Sent && strings.HasPrefix(c.want, "value") {
			t.Errorf("%s: the field with the problem counts as sent", c.body)
		}
	}
}

func TestProblemsComeInTheOrderOfTheFieldsWheneverTheyWereFound(t *testing.T) {
	form := input.Decode[create]([]byte(`{"tags":[{}],"value":-1,"name":"Ana","pipeline_id":1,"stage_id":99}`))
	form.Problems.Add("custom_fields.setor", "late")
	form.Problems.Selected("stage_id")
	err := form.Err()
	if err == nil || err.Error() != "The selected stage id is invalid. (and 3 more errors)" {
		t.Fatal(err)
	}
	var order []string
	for _, p := range form.Problems.Problems() {
		order = append(order, p.Field)
	}
	if got := strings.Join(order, " "); got != "stage_id value tags.0 custom_fields.setor" {
		t.Error(got)
	}
	if again := form.Err(); again.Error() != err.Error() {
		t.Errorf("asked again: %v", again)
	}
}

func TestABodyThatCannotBeReadSaysWhatAndWhere(t *testing.T) {
	for body, want := range map[string]string{
		"{\"name\":\"Ana\",\n \"é\": x}": "The request body is not valid JSON: invalid character 'x' looking for beginning of value at line 2, column 7 (byte 22).",
		`{"name":"Ana"`:                  "The request body is not valid JSON: unexpected end of JSON input at line 1, column 14 (byte 13).",
		`{"name":"Ana",}`:                "The request body is not valid JSON: invalid character '}' looking for beginning of object key string at line 1, column 15 (byte 14).",
		"\ufeff{} x":                     "The request body is not valid JSON: invalid character 'x' after top-level value at line 1, column 4 (byte 6).",
		"{\"name\":\"A\xff\"}":           "The request body is not valid UTF-8 at line 1, column 11 (byte 10).",
		"{\"name\":\"A\x00\"}":           "The request body holds a NUL character at line 1, column 11 (byte 10).",
		`{"name":"\\u0000 \\\u0000"}`:    "The request body holds a NUL character at line 1, column 20 (byte 19).",
		`{"a":{"\u0000":1}}`:             "The request body holds a NUL character at line 1, column 8 (byte 7).",
		`{"a":["\ud83d\ude00\ud83d"]}`:   "The request body holds half of a surrogate pair at line 1, column 20 (byte 19).",
		`{"a":"\ude00"}`:                 "The request body holds half of a surrogate pair at line 1, column 7 (byte 6).",
		`[]`:                             "The request body must be a JSON object.",
		`null`:                           "The request body must be a JSON object.",
		`"{}"`:                           "The request body must be a JSON object.",
		`name=Ana`:                       "The request body is not valid JSON: invalid character 'a' in literal null (expecting 'u') at line 1, column 2 (byte 1).",
		`{"a":` + strings.Repeat("[", 100_000) + "}": "The request body is not valid JSON: invalid character '[' exceeded max depth at line 1, column 10005 (byte 10004).",
	} {
		form := input.Decode[create]([]byte(body))
		if err := form.Malformed(); err == nil || err.Error() != want || !faults.Is(err, faults.Malformed) || !errors.Is(form.Err(), err) {
			t.Errorf("%.40q:\n got %v\nwant %s", body, err, want)
		}
	}
	form := input.Decode[create]([]byte(`{` + whole + `,"notes":"\\u0000"}`))
	if err := form.Err(); err != nil || form.Fields.Notes.Value != `\u0000` {
		t.Errorf("an escaped backslash before u0000: %v, %q", err, form.Fields.Notes.Value)
	}
}

func TestOnlyBareAddressesAreEmails(t *testing.T) {
	for _, s := range []string{"joao@acme.com.br", "joão.silva+tag@são-paulo.com.br", "root@localhost", "O'Neil@x.co", "a@1.2"} {
		if form := input.Decode[create]([]byte(`{` + whole + `,"email":"` + s + `"}`)); form.Err() != nil {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"joao", "@acme.com", "joao@", "João <joao@acme.com>", "joao@acme..com", "jo..ao@acme.com", ".joao@acme.com", "joao.@acme.com", "jo ao@acme.com",
		"joao@acme .com", "joao@acme.com, ana@acme.com", "joao@-acme.com", "joao@acme_x.com", `\"jo ao\"@acme.com`, "joao@acme.com.", "a@b@c", "jo\u200bao@acme.com", "joao@[1.2.3.4]",
	} {
		if form := input.Decode[create]([]byte(`{` + whole + `,"email":"` + s + `"}`)); form.Err() == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestALongArrayOfWrongItemsIsReportedInPart(t *testing.T) {
	form := input.Decode[create]([]byte(`{"tags":[` + strings.Repeat("{},", 300_000) + `{}],"lines":[` + strings.Repeat("1,", 1000) + `1]}`))
	if n := len(form.Problems.Problems()); n != 203 {
		t.Errorf("%d problems", n)
	}
}

func TestOfManyDoubledMembersTheLastWins(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, `"f%d":%d,"f%d":"x",`, i, i, i/2)
	}
	field, ok := input.Read[input.Object]([]byte(" {" + b.String() + `"f39":"last"} `))
	if last, found := field.Value.Get("f39"); !ok || field.Value.Len() != 40 || !found || string(last) != `"last"` {
		t.Errorf("%d members, f39 is %s", field.Value.Len(), last)
	}
}

func TestSingleValuesAreReadAsFieldsAre(t *testing.T) {
	if f, ok := input.Read[money.Cents](json.RawMessage(`"12.5"`)); !ok || f.Value != 1250 {
		t.Errorf("%+v", f)
	}
	if f, ok := input.Read[[]string](json.RawMessage(`["a",5]`)); !ok || !reflect.DeepEqual(f.Value, []string{"a", "5"}) {
		t.Errorf("%+v", f)
	}
	if f, ok := input.Read[calendar.Date](json.RawMessage(`" "`)); !ok || !f.Cleared() {
		t.Errorf("%+v", f)
	}
	if f, ok := input.Read[bool](nil); !ok || f.Sent {
		t.Errorf("%+v", f)
	}
	if f, ok := input.Read[bool](json.RawMessage(`{}`)); ok || f.Sent {
		t.Errorf("%+v", f)
	}
}
