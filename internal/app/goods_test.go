package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestALeadHasProductsAtThePriceOfTheDayTheyWereAdded(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bad := o.want(422, "POST", "/products", fields{"price": -1, "is_active": "perhaps"})
		for _, field := range []string{"name", "price", "is_active"} {
			if bad.at("errors", field, 0) == nil {
				t.Errorf("no problem with %s: %s", field, bad.text)
			}
		}
		license := o.want(201, "POST", "/products", fields{"name": "Licença", "price": "450.005"})
		if license.at("product", "price") != 450.01 || license.at("product", "is_active") != true {
			t.Errorf("made: %s", license.text)
		}
		product := at("/products/%d", license.id("product"))
		if taken := o.want(422, "POST", "/products", fields{"name": "Licença", "price": nil}); taken.at("errors", "name", 0) != "The name has already been taken." || taken.at("errors", "price", 0) == nil {
			t.Errorf("taken: %s", taken.text)
		}
		lead := o.lead(fields{"value": 10})
		before := o.want(200, "GET", at("/leads/%d", lead), nil)
		o.clock.Advance(time.Minute)
		lines := at("/leads/%d/products", lead)
		bad = o.want(422, "POST", lines, fields{"product_id": 999, "quantity": 0, "unit_price": "x", "discount_percent": 100.01})
		for _, field := range []string{"product_id", "quantity", "unit_price", "discount_percent"} {
			if bad.at("errors", field, 0) == nil {
				t.Errorf("no problem with %s: %s", field, bad.text)
			}
		}
		o.want(400, "POST", lines, "[")
		line := o.want(201, "POST", lines, fields{"product_id": license.id("product"), "quantity": 2, "discount_percent": 12.5})
		if line.at("product", "total") != 787.52 || line.at("product", "unit_price") != 450.01 {
			t.Errorf("added: %s", line.text)
		}
		o.want(200, "PUT", product, fields{"name": "Licença Pro", "price": 500})
		one := at("%s/%d", lines, line.id("product"))
		changed := o.want(200, "PATCH", one, fields{"quantity": 1000000, "discount_percent": 0})
		if changed.at("product", "total") != 450010000.0 || changed.at("product", "product_name") != "Licença" {
			t.Errorf("changed: %s", changed.text)
		}
		most := o.want(200, "PUT", one, fields{"unit_price": "99999999.99"})
		if most.at("product", "total") != 99999999990000.0 {
			t.Errorf("the greatest line: %s", most.text)
		}
		shown := o.want(200, "GET", at("/leads/%d?include=products", lead), nil)
		if shown.at("lead", "products", 0, "unit_price") != 99999999.99 || shown.at("lead", "value") != 10.0 || shown.at("lead", "updated_at") != before.at("lead", "updated_at") {
			t.Errorf("shown: %s", shown.text)
		}
		if refused := o.want(422, "DELETE", product, nil); !strings.HasPrefix(fmt.Sprint(refused.at("message")), "O produto está em uso") {
			t.Error(refused.text)
		}
		o.want(200, "PUT", product, fields{"is_active": false})
		o.want(422, "POST", lines, fields{"product_id": license.id("product")})
		if list := o.want(200, "GET", "/products?active_only=true", nil); list.at("meta", "total") != 0.0 {
			t.Errorf("active: %s", list.text)
		}
		o.want(200, "DELETE", one, nil)
		o.want(404, "DELETE", one, nil)
		o.want(404, "PUT", one, "{}")
		o.want(200, "DELETE", product, nil)
		o.want(404, "GET", product, nil)
		o.want(200, "DELETE", at("/leads/%d", lead), nil)
		o.want(404, "GET", lines, nil)
		o.want(404, "POST", lines, fields{"product_id": 1})
	})
}

func TestALeadHasOnePrimaryContactAlsoWhenTwoAreMadeAtOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		lead := o.lead(nil)
		contacts := at("/leads/%d/contacts", lead)
		bad := o.want(422, "POST", contacts, fields{"email": "x", "role": strings.Repeat("x", 101), "is_primary": 7})
		for _, field := range []string{"name", "email", "role", "is_primary"} {
			if bad.at("errors", field, 0) == nil {
				t.Errorf("no problem with %s: %s", field, bad.text)
			}
		}
		var wait sync.WaitGroup
		for i := range 6 {
			wait.Go(func() {
				o.do(o.key, "POST", contacts, fields{"name": at("C%d", i), "phone": "(11) 3344-5566", "is_primary": true})
			})
		}
		wait.Wait()
		list := o.want(200, "GET", contacts, nil)
		if n := strings.Count(list.text, `"is_primary":true`); n != 1 || list.at("data", 5, "phone") != "+551133445566" || list.at("data", 0, "is_primary") != true {
			t.Fatalf("%d are primary: %s", n, list.text)
		}
		other := at("%s/%v", contacts, list.at("data", 3, "id"))
		o.want(200, "PUT", other, fields{"is_primary": true, "phone": nil})
		if shown := o.want(200, "GET", other, nil); shown.at("contact", "phone") != nil || shown.at("contact", "is_primary") != true {
			t.Error(shown.text)
		}
		if list := o.want(200, "GET", at("/leads/%d?include=contacts", lead), nil); strings.Count(list.text, `"is_primary":true`) != 1 {
			t.Error(list.text)
		}
		o.want(422, "PATCH", other, fields{"name": ""})
		o.want(200, "DELETE", other, nil)
		o.want(404, "GET", other, nil)
		o.want(404, "POST", at("/leads/%d/contacts", lead+100), fields{"name": "x"})
	})
}

func TestNotesNameTheirAuthorAndLeaveTheLeadAsItIs(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		lead := o.lead(nil)
		notes := at("/leads/%d/notes", lead)
		before := o.want(200, "GET", at("/leads/%d", lead), nil)
		for _, body := range []any{nil, fields{"body": " "}, fields{"body": strings.Repeat("é", 10_001)}, fields{"body": []int{1}}} {
			o.want(422, "POST", notes, body)
		}
		first := o.want(201, "POST", notes, fields{"body": "Primeira"})
		o.clock.Advance(time.Minute)
		second := o.want(201, "POST", notes, fields{"body": "Segunda"})
		if first.at("note", "author", "name") != "Ana" || first.at("note", "edited_at") != nil {
			t.Errorf("first: %s", first.text)
		}
		edited := o.want(200, "PUT", at("%s/%d", notes, first.id("note")), fields{"body": "Outra"})
		if edited.at("note", "body") != "Outra" || edited.at("note", "edited_at") != "2026-06-30T13:01:00Z" || edited.at("note", "created_at") != "2026-06-30T13:00:00Z" {
			t.Errorf("edited: %s", edited.text)
		}
		if list := o.want(200, "GET", notes+"?per_page=1", nil); list.at("data", 0, "body") != "Segunda" || list.at("data", 1) != nil || list.at("meta", "total") != 2.0 {
			t.Errorf("list: %s", list.text)
		}
		after := o.want(200, "GET", at("/leads/%d?include=events", lead), nil)
		if after.at("lead", "events", 0, "event_type") != "note_added" || after.at("lead", "updated_at") != before.at("lead", "updated_at") {
			t.Errorf("after: %s", after.text)
		}
		other := o.lead(nil)
		o.want(404, "PUT", at("/leads/%d/notes/%d", other, second.id("note")), fields{"body": "x"})
		o.want(200, "DELETE", at("%s/%d", notes, second.id("note")), nil)
		o.want(404, "DELETE", at("%s/%d", notes, second.id("note")), nil)
		o.want(422, "PUT", at("%s/%d", notes, first.id("note")), nil)
	})
}

func TestScoringRulesAreManagedAndTheLogSaysWhatTheyDid(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bad := o.want(422, "POST", "/scoring/rules", fields{
			"event": "seen", "points": 10_001, "cooldown_hours": -1,
			"conditions": []any{
				fields{"field": "custom_fields.", "operator": "like", "value": strings.Repeat("x", 256)},
				fields{"field": "value", "operator": "gt", "value": "muito"}, fields{"field": "has_email", "operator": "equals", "value": "yes"}, fields{},
			},
		})
		for _, field := range []string{
			"name", "event", "points", "cooldown_hours", "conditions.0.field", "conditions.0.operator", "conditions.0.value",
			"conditions.1.value", "conditions.2.value", "conditions.3.field", "conditions.3.operator", "conditions.3.value",
		} {
			if problems, _ := bad.at("errors", field).([]any); len(problems) != 1 {
				t.Errorf("problems with %s: %v", field, problems)
			}
		}
		made := o.want(201, "POST", "/scoring/rules", fields{
			"name": "Veio do site", "event": "lead_created", "points": "10", "conditions": []any{fields{"field": "source", "operator": "equals", "value": "site"}},
		})
		rule := at("/scoring/rules/%d", made.id("rule"))
		if made.at("rule", "is_active") != true || made.at("rule", "cooldown_hours") != 0.0 {
			t.Errorf("made: %s", made.text)
		}
		score := func(lead int64) any {
			return o.want(200, "GET", at("/leads/%d?include=score", lead), nil).at("lead", "score")
		}
		lead := o.lead(fields{"source": "site"})
		if got := score(lead); got != 10.0 {
			t.Errorf("score %v", got)
		}
		log := o.want(200, "GET", at("/leads/%d/score-log", lead), nil)
		if log.at("data", 0, "rule_id") != float64(made.id("rule")) || log.at("data", 0, "score") != 10.0 || log.at("meta", "total") != 1.0 {
			t.Errorf("log: %s", log.text)
		}
		bad = o.want(422, "PUT", rule, fields{"points": nil, "conditions": []any{fields{"field": "x", "operator": "equals", "value": 1}}})
		if bad.at("errors", "points", 0) == nil || bad.at("errors", "conditions.0.field", 0) == nil {
			t.Errorf("bad: %s", bad.text)
		}
		o.want(200, "PUT", rule, fields{"points": -3, "conditions": nil})
		if got := score(o.lead(nil)); got != 0.0 {
			t.Errorf("below zero: %v", got)
		}
		o.want(200, "PATCH", rule, fields{"points": 7})
		if got := score(o.lead(nil)); got != 7.0 {
			t.Errorf("a changed rule gives %v", got)
		}
		o.want(200, "PATCH", rule, fields{"is_active": false})
		if got := score(o.lead(nil)); got != 0.0 {
			t.Errorf("a rule that is off gives %v", got)
		}
		if list := o.want(200, "GET", "/scoring/rules", nil); list.at("data", 0, "points") != 7.0 || len(list.at("data", 0, "conditions").([]any)) != 0 {
			t.Errorf("list: %s", list.text)
		}
		o.want(200, "DELETE", rule, nil)
		o.want(404, "GET", rule, nil)
		if log := o.want(200, "GET", at("/leads/%d/score-log", lead), nil); log.at("data", 0, "rule_id") != nil || log.at("data", 0, "points") != 10.0 {
			t.Errorf("log: %s", log.text)
		}
		o.want(404, "GET", at("/leads/%d/score-log", lead+100), nil)

		if none := o.want(200, "GET", "/scoring/decay", nil); none.at("decay", "points_per_day") != 0.0 {
			t.Error(none.text)
		}
		o.want(422, "PUT", "/scoring/decay", fields{"points_per_day": 1001, "after_days": -1})
		o.want(200, "PUT", "/scoring/decay", fields{"points_per_day": 4, "after_days": 1})
		if d := o.want(200, "PATCH", "/scoring/decay", fields{"after_days": 2}); d.at("decay", "points_per_day") != 4.0 || d.at("decay", "after_days") != 2.0 {
			t.Error(d.text)
		}
		o.clock.Advance(4 * 24 * time.Hour)
		if err := o.app.Scoring.RunDecay(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := score(lead); got != 2.0 {
			t.Errorf("decayed to %v", got)
		}
	})
}

func TestTheHolidaysOfAYearAreTheNationalOnesAndTheAccountsOwn(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		year := o.want(200, "GET", "/account/holidays", nil)
		if days, _ := year.at("data").([]any); len(days) != 10 || year.at("data", 0, "date") != "2026-01-01" || year.at("data", 1, "name") != "Sexta-feira Santa" || year.at("data", 0, "id") != nil {
			t.Fatalf("2026: %s", year.text)
		}
		o.want(422, "POST", "/account/holidays", fields{"date": "2026-02-30"})
		o.want(422, "GET", "/account/holidays?year=x", nil)
		work := o.want(201, "POST", "/account/holidays", fields{"date": "2027-12-25", "name": "Plantão", "is_workday": true})
		o.want(201, "POST", "/account/holidays", fields{"date": "2027-02-09", "name": "Carnaval"})
		next := o.want(200, "GET", "/account/holidays?year=2027", nil)
		if next.at("data", 1, "name") != "Carnaval" || next.at("data", 1, "is_national") != false || next.at("data", 10, "is_workday") != true || next.at("data", 10, "is_national") != true {
			t.Errorf("2027: %s", next.text)
		}
		o.want(200, "DELETE", at("/account/holidays/%d", work.id("holiday")), nil)
		if again := o.want(200, "GET", "/account/holidays?year=2027", nil); again.at("data", 10, "name") != "Natal" || again.at("data", 10, "is_workday") != false {
			t.Errorf("again: %s", again.text)
		}
	})
}
