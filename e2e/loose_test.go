package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestLooseInput(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		post := func(t *testing.T, status int, body string, headers ...string) any {
			t.Helper()
			return c.want(t, status, "POST", "/leads", body, headers...).at("lead")
		}
		t.Run("a numeric text will do for a number, and a number for a text", func(t *testing.T) {
			lead := post(t, 201, `{"name":12.50,"pipeline_id":"1","stage_id":" 5 ","phone":5511933332222,"value":"1234.565","assigned_to":"12","tags":[7,"a"],"notes":1e3,
				"custom_fields":{"funcionarios":"25","aceita_contato":"1","setor":9}}`)
			holds(t, "the lead", lead, parsed(t, `{"name":"12.50","pipeline_id":1,"stage_id":5,"phone":"+5511933332222","value":1234.57,"tags":["7","a"],
				"custom_fields":{"funcionarios":25,"aceita_contato":true,"setor":"9"}}`))
			holds(t, "fractions of nothing", post(t, 201, `{"name":"x","pipeline_id":1.0,"stage_id":"5.0","assigned_to":12.0,"phone":5511933332223.0}`),
				parsed(t, `{"pipeline_id":1,"stage_id":5,"phone":"+5511933332223"}`))
			for _, body := range []string{`{"name":"x","pipeline_id":1.5,"stage_id":5}`, `{"name":"x","pipeline_id":"um","stage_id":5}`, `{"name":"x","pipeline_id":true,"stage_id":5}`, `{"name":true,"pipeline_id":1,"stage_id":5}`,
				`{"name":{"a":1},"pipeline_id":1,"stage_id":5}`, `{"name":"x","pipeline_id":1,"stage_id":5,"value":"1,5"}`, `{"name":"x","pipeline_id":99999999999999999999,"stage_id":5}`} {
				c.want(t, 422, "POST", "/leads", body)
			}
		})
		t.Run("the body is read as JSON whatever Content-Type says", func(t *testing.T) {
			for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=iso-8859-1", "nonsense", ""} {
				post(t, 201, `{"name":"x","pipeline_id":1,"stage_id":5}`, "Content-Type", kind)
			}
		})
		t.Run("texts are trimmed, an empty one means null, and null on a creation means absent", func(t *testing.T) {
			lead := post(t, 201, `{"name":"  Ana \n","pipeline_id":1,"stage_id":5,"email":" ana@x.com.br ","company":"","source":null,"value":"","tags":null,"notes":" ","birthday":"","assigned_to":null,"custom_fields":null,"phone":" "}`)
			holds(t, "the lead", lead, parsed(t, `{"name":"Ana","email":"ana@x.com.br","company":null,"source":null,"value":null,"tags":[],"notes":null,"birthday":null,"phone":null}`))
			same(t, "custom fields", dig(lead, "custom_fields"), `{}`)
		})
		t.Run("unknown members are ignored, and of a doubled one the last wins", func(t *testing.T) {
			lead := post(t, 201, `{"name":"primeiro","pipeline_id":1,"stage_id":5,"id":77,"created_at":"2020-01-01","nada":{"a":[1]},"name":"último","custom_fields":{"desconhecido":1,"campo_antigo":"x"}}`)
			holds(t, "the lead", lead, parsed(t, `{"name":"último"}`))
			same(t, "custom fields", dig(lead, "custom_fields"), `{}`)
			if dig(lead, "id") == 77.0 {
				t.Error("the id was taken")
			}
		})
		t.Run("lengths count characters", func(t *testing.T) {
			post(t, 201, fmt.Sprintf(`{"name":%q,"pipeline_id":1,"stage_id":5}`, strings.Repeat("😀", 255)))
			c.want(t, 422, "POST", "/leads", fmt.Sprintf(`{"name":%q,"pipeline_id":1,"stage_id":5}`, strings.Repeat("😀", 256)))
		})
		t.Run("values are rounded to cents, half away from zero, up to the greatest", func(t *testing.T) {
			for sent, stored := range map[string]string{"0": "0", "0.005": "0.01", "0.004999": "0", "1.005": "1.01", "2.675": "2.68", "1e2": "100", "9999999999.99": "9999999999.99", `"10"`: "10", "-0": "0"} {
				lead := post(t, 201, `{"name":"x","pipeline_id":1,"stage_id":5,"value":`+sent+`}`)
				same(t, sent, dig(lead, "value"), stored)
			}
			for _, sent := range []string{"9999999999.995", "10000000000", "1e400", "-0.001", `"NaN"`, "true", "[]"} {
				c.want(t, 422, "POST", "/leads", `{"name":"x","pipeline_id":1,"stage_id":5,"value":`+sent+`}`)
			}
		})
		t.Run("phones are stored in E.164 when they are possible numbers of nothing but phone punctuation, else as sent", func(t *testing.T) {
			for sent, stored := range map[string]string{
				"(11) 99988-7766": "+5511999887766", "11999887766": "+5511999887766", "+55 11 99988 7766": "+5511999887766", "+1 (415) 555-2671": "+14155552671", "+351 912 345 678": "+351912345678",
				"ramal 12": "ramal 12", "11 99988-7766 ramal": "11 99988-7766 ramal", "123": "123", "+5511999887766 x2": "+5511999887766 x2",
			} {
				if len([]rune(sent)) > 20 {
					continue
				}
				lead := c.create(t, fields{"phone": sent}).at("lead")
				same(t, sent, dig(lead, "phone"), text(stored))
			}
		})
		t.Run("a key may have blanks around it", func(t *testing.T) {
			got, err := exchange("GET", c.base+"/api/v1/leads/123", http.Header{"X-Api-Key": {" " + everything + " "}}, "")
			if err != nil || got.status != 200 {
				t.Errorf("%v, %d %s", err, got.status, got.text)
			}
		})
		t.Run("numbers and booleans in a query are as loose as in a body", func(t *testing.T) {
			for query, total := range map[string]string{"pipeline_id=1.0&q=jo%C3%A3o+silva": "2", "pipeline_id=%201%20&q=jo%C3%A3o+silva": "2", "page=1.0&q=jo%C3%A3o+silva": "2", "pipeline_id=3&pipeline_id=1&q=jo%C3%A3o+silva": "2", "unknown=1&q=sem+telefone": "1"} {
				same(t, query, c.want(t, 200, "GET", "/leads?"+query, nil).at("meta", "total"), total)
			}
		})
	})
}

func TestCustomFieldValues(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("are converted by their types", func(t *testing.T) {
			for _, x := range []struct{ name, sent, stored string }{
				{"tamanho_empresa", `"11-50"`, `"11-50"`}, {"setor", `" TI "`, `"TI"`}, {"setor", `7`, `"7"`}, {"funcionarios", `"25"`, `25`}, {"funcionarios", `2.5`, `2.5`}, {"receita", `"1234.565"`, `1234.57`},
				{"receita", `10`, `10`}, {"data_reuniao", `"2026-07-15"`, `"2026-07-15"`}, {"interesses", `["crm","automacao"]`, `["crm","automacao"]`}, {"interesses", `["crm","crm"]`, `["crm"]`},
				{"aceita_contato", `"true"`, `true`}, {"aceita_contato", `0`, `false`}, {"aceita_contato", `false`, `false`},
			} {
				got := c.create(t, fields{"custom_fields": map[string]any{x.name: parsed(t, x.sent)}})
				same(t, x.name+" of "+x.sent, got.at("lead", "custom_fields"), `{"`+x.name+`":`+x.stored+`}`)
			}
		})
		t.Run("that cannot be converted, or are no option, are a 422 under their name", func(t *testing.T) {
			for _, x := range []struct{ name, sent string }{
				{"tamanho_empresa", `"enorme"`}, {"tamanho_empresa", `["11-50"]`}, {"funcionarios", `"muitos"`}, {"receita", `"1.234,56"`}, {"receita", `true`}, {"data_reuniao", `"15/07/2026"`}, {"data_reuniao", `"2026-02-30"`},
				{"interesses", `["crm","fax"]`}, {"interesses", `{}`}, {"aceita_contato", `"talvez"`}, {"aceita_contato", `2`}, {"setor", `{}`},
			} {
				got := c.want(t, 422, "PATCH", joao, fields{"custom_fields": map[string]any{x.name: parsed(t, x.sent)}})
				if names := fieldsInOrder(t, got); len(names) != 1 || !strings.HasPrefix(names[0], "custom_fields."+x.name) {
					t.Errorf("%s of %s: %s", x.name, x.sent, got.text)
				}
			}
		})
		t.Run("unknown and inactive names are ignored, empty clears, left out means unchanged", func(t *testing.T) {
			path := c.path(t, fields{"custom_fields": fields{"setor": "TI", "funcionarios": 3, "interesses": []string{"crm"}, "campo_antigo": "x", "nada": 1}})
			custom := func() any { return c.lead(t, path)["custom_fields"] }
			same(t, "made", custom(), `{"setor":"TI","funcionarios":3,"interesses":["crm"]}`)
			c.want(t, 200, "PATCH", path, fields{"custom_fields": fields{"setor": "", "interesses": []string{}, "campo_antigo": "y"}})
			same(t, "cleared", custom(), `{"funcionarios":3}`)
			c.want(t, 200, "PATCH", path, fields{"custom_fields": fields{"funcionarios": nil}})
			same(t, "none", custom(), `{}`)
			c.want(t, 200, "PATCH", path, fields{"custom_fields": fields{}})
			same(t, "none", custom(), `{}`)
		})
	})
}
