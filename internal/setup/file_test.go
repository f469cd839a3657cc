package setup

import (
	"errors"
	"strings"
	"testing"
)

func TestEachMistakeIsReportedWithItsPath(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{``, `the file is not JSON: line 1, column 1: unexpected end of JSON input`},
		{"{\n  \"pipelines\": [ç]\n}", `the file is not JSON: line 2, column 17: invalid character 'Ã' looking for beginning of value`},
		{"{\"a\": \"\xff\"}", `the file is not UTF-8 text`},
		{`{} {}`, `the file is not JSON: line 1, column 4: invalid character '{' after top-level value`},
		{`null`, `the file must be an object, not null`},
		{`[]`, `the file must be an object, not a list`},
		{`{"pipeline":[]}`, `pipeline: is unknown; the members here are pipelines, lost_reasons, custom_fields`},
		{`{"pipelines":{}}`, `pipelines: must be a list, not an object`},
		{`{"pipelines":[{"name":"A"},7]}`, `pipelines[1]: must be an object, not a number`},
		{`{"pipelines":[{"stages":[]}]}`, `pipelines[0].name: is required`},
		{`{"pipelines":[{"name":"A","name":"B"}]}`, `pipelines[0].name: stands twice`},
		{`{"pipelines":[{"name":null}]}`, `pipelines[0].name: must be a text, not null`},
		{`{"pipelines":[{"name":" "}]}`, `pipelines[0].name: must not be empty`},
		{`{"pipelines":[{"name":"a\u0000b"}]}`, `pipelines[0].name: must not hold control characters`},
		{`{"pipelines":[{"name":"` + strings.Repeat("ç", 101) + `"}]}`, `pipelines[0].name: must not be longer than 100 characters`},
		{`{"pipelines":[{"name":"Vendas"},{"name":"VENDAS "}]}`, `pipelines[1].name: "VENDAS" stands at pipelines[0].name already`},
		{stage(`"nome":"X"`), `pipelines[0].stages[0].nome: is unknown; the members here are name, color, kind, is_won, is_lost, probability, rotting_days, requirements`},
		{stage(`"color":"azul"`), `pipelines[0].stages[0].color: must be a colour like #4ECDC4, not "azul"`},
		{stage(`"color":7`), `pipelines[0].stages[0].color: must be a text, not a number`},
		{stage(`"kind":"ganho"`), `pipelines[0].stages[0].kind: must be one of open, won, lost, not "ganho"`},
		{stage(`"is_won":1`), `pipelines[0].stages[0].is_won: must be true or false, not 1`},
		{stage(`"is_won":true,"is_lost":true`), `pipelines[0].stages[0].is_lost: cannot be true when is_won is`},
		{stage(`"kind":"open","is_lost":true`), `pipelines[0].stages[0].is_lost: does not agree with the kind open`},
		{stage(`"probability":100.5`), `pipelines[0].stages[0].probability: must be a whole number from 0 to 100, not 100.5`},
		{stage(`"probability":"50"`), `pipelines[0].stages[0].probability: must be a whole number from 0 to 100, not "50"`},
		{stage(`"rotting_days":0`), `pipelines[0].stages[0].rotting_days: must be a whole number from 1 to 3650, not 0`},
		{stage(`"requirements":[{"subject":"A","type":"sms"}]`), `pipelines[0].stages[0].requirements[0].type: must be one of call, email, task, visit, whatsapp, meeting, not "sms"`},
		{stage(`"requirements":[{"subject":"A","priority":"urgent"}]`), `pipelines[0].stages[0].requirements[0].priority: must be one of low, medium, high, not "urgent"`},
		{stage(`"requirements":[{"subject":"{{lead}}"}]`), `pipelines[0].stages[0].requirements[0].subject: {{lead}} is unknown; {{lead_name}} and {{stage_name}} can be used`},
		{stage(`"requirements":[{"subject":"A"},{"subject":"a"}]`), `pipelines[0].stages[0].requirements[1].subject: "a" stands at pipelines[0].stages[0].requirements[0].subject already`},
		{`{"lost_reasons":["A",true]}`, `lost_reasons[1]: must be a name or an object, not true or false`},
		{`{"lost_reasons":["A",{"name":"a"}]}`, `lost_reasons[1]: "a" stands at lost_reasons[0] already`},
		{field(`"type":"money"`), `custom_fields[0].type: must be one of text, number, currency, date, select, multiselect, checkbox, textarea, url, phone, email, not "money"`},
		{field(`"options":["a"," A"]`), `custom_fields[0].options[1]: "A" stands twice`},
		{field(`"is_required":"yes"`), `custom_fields[0].is_required: must be true or false, not "yes"`},
		{`{"custom_fields":[{"name":"porte da empresa"}]}`, `custom_fields[0].name: must be of the letters a to z, digits, _ and -, beginning with a letter`},
		{
			`{"pipelines":[{"name":1,"stages":[{"color":"x"}]}],"custom_fields":"none"}`,
			"pipelines[0].name: must be a text, not a number\n" +
				"pipelines[0].stages[0].name: is required\n" +
				"pipelines[0].stages[0].color: must be a colour like #4ECDC4, not \"x\"\n" +
				"custom_fields: must be a list, not a text",
		},
	} {
		_, err := Parse([]byte(c.file))
		var problems Problems
		if !errors.As(err, &problems) || err.Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.file, err, c.want)
		}
	}
}

func stage(members string) string {
	return `{"pipelines":[{"name":"Vendas","stages":[{"name":"Nova",` + members + `}]}]}`
}

func field(members string) string {
	return `{"custom_fields":[{"name":"porte",` + members + `}]}`
}
