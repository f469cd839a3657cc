package e2e

import "testing"

func TestMoves(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("a move to another stage and pipeline is one event and no more", func(t *testing.T) {
			path := c.path(t, nil)
			got := c.want(t, 200, "PUT", path+"/stage", move(negotiation))
			keys(t, "the answer", got.body, "success", "lead_id")
			c.want(t, 200, "PUT", path+"/stage", move(onboarding))
			holds(t, "the lead", c.lead(t, path), parsed(t, `{"pipeline_id":3,"stage_id":20,"stage":{"id":20,"name":"Onboarding"},"pipeline":{"id":3,"name":"Pós-venda"}}`))
			same(t, "events", c.events(t, path), `["created","stage_changed","stage_changed"]`)
		})
		t.Run("a move to the stage it is in is a 200 without event and without block test", func(t *testing.T) {
			before := c.want(t, 200, "GET", "/leads/124", nil)
			events := c.events(t, "/leads/124")
			c.want(t, 200, "PUT", "/leads/124/stage", move(documents))
			if len(c.events(t, "/leads/124")) != len(events) || c.want(t, 200, "GET", "/leads/124", nil).text != before.text {
				t.Error("the move to the same stage has changed something")
			}
		})
		t.Run("a move into a won or lost stage records the sale or the loss", func(t *testing.T) {
			path := c.path(t, fields{"value": 70})
			c.want(t, 200, "PUT", path+"/stage", move(won))
			lead := c.lead(t, path, "sales")
			holds(t, "won", lead, parsed(t, `{"sales":[{"pipeline_id":1,"value":70,"closed_by":12}],"lost_sales":[]}`))
			other := c.path(t, nil)
			c.want(t, 200, "PUT", other+"/stage", move(lost))
			holds(t, "lost", c.lead(t, other, "sales"), parsed(t, `{"sales":[],"lost_sales":[{"pipeline_id":1,"reason_id":null,"lost_by":12}]}`))
		})
		t.Run("a creation in a won or lost stage does so too", func(t *testing.T) {
			holds(t, "won", c.lead(t, c.path(t, fields{"stage_id": won, "value": 12}), "sales"), parsed(t, `{"sales":[{"value":12}]}`))
			holds(t, "lost", c.lead(t, c.path(t, fields{"stage_id": lost}), "sales"), parsed(t, `{"lost_sales":[{"pipeline_id":1}]}`))
			path := c.path(t, fields{"stage_id": won})
			holds(t, "won without a value", c.lead(t, path, "sales"), parsed(t, `{"value":null,"sales":[{"pipeline_id":1}]}`))
			if events := c.events(t, path); len(events) != 2 || events[0] == events[1] {
				t.Errorf("events %v", events)
			}
		})
	})
}

func TestWinningAndLosing(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		sales := func(t *testing.T, path string) []any {
			t.Helper()
			return each(c.lead(t, path, "sales")["sales"], "value")
		}
		losses := func(t *testing.T, path string) []any {
			t.Helper()
			return each(c.lead(t, path, "sales")["lost_sales"], "reason_id")
		}
		t.Run("without a value the sale has the lead's, and the lead keeps its own with one", func(t *testing.T) {
			path := c.path(t, fields{"value": 50})
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
			same(t, "sales", sales(t, path), `[50]`)
			other := c.path(t, fields{"value": 50})
			c.want(t, 200, "PUT", other+"/won", fields{"stage_id": won, "value": 7500.555})
			same(t, "sales", sales(t, other), `[7500.56]`)
			same(t, "value", c.lead(t, other)["value"], `50`)
		})
		t.Run("the pipeline comes from the stage", func(t *testing.T) {
			path := c.path(t, nil)
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": renewed})
			holds(t, "the lead", c.lead(t, path, "sales"), parsed(t, `{"pipeline_id":3,"stage_id":22,"sales":[{"pipeline_id":3}]}`))
		})
		t.Run("a repeat with a value or a reason updates the sale or loss and makes no second one", func(t *testing.T) {
			path := c.path(t, fields{"value": 50})
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
			id := each(c.lead(t, path, "sales")["sales"], "id")
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
			same(t, "sales after a bare repeat", sales(t, path), `[50]`)
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 60})
			same(t, "sales after a repeat", sales(t, path), `[60]`)
			if again := each(c.lead(t, path, "sales")["sales"], "id"); len(again) != 1 || again[0] != id[0] {
				t.Errorf("sale %v became %v", id, again)
			}
			other := c.path(t, nil)
			for _, body := range []fields{{"stage_id": lost}, {"stage_id": lost, "reason_id": 1}, {"stage_id": lost, "reason_id": 2}, {"stage_id": lost}} {
				c.want(t, 200, "PUT", other+"/lost", body)
			}
			same(t, "losses", losses(t, other), `[2]`)
		})
		t.Run("is told by its event and by stage_changed, the latter only if the stage changed", func(t *testing.T) {
			path := c.path(t, nil)
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
			events := c.events(t, path)
			if len(events) != 3 || !containsAll(text(events), "sale_won", "stage_changed") {
				t.Errorf("events %v", events)
			}
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 1})
			if again := c.events(t, path); countOf(again, "stage_changed") != 1 {
				t.Errorf("events %v", again)
			}
			c.want(t, 200, "PUT", path+"/lost", fields{"stage_id": lost, "reason_id": 3})
			if events := c.events(t, path); countOf(events, "sale_lost") != 1 || countOf(events, "stage_changed") != 2 {
				t.Errorf("events %v", events)
			}
		})
		t.Run("leaving a won stage for one of another kind in the pipeline voids its sale", func(t *testing.T) {
			for _, to := range []int{proposal, lost} {
				path := c.path(t, fields{"value": 5})
				c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
				c.want(t, 200, "PUT", path+"/stage", move(to))
				same(t, "sales", sales(t, path), `[]`)
				c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 6})
				same(t, "sales after winning again", sales(t, path), `[6]`)
				same(t, "losses after winning again", losses(t, path), `[]`)
				if events := c.events(t, path); countOf(events, "sale_won") != 2 {
					t.Errorf("the history has lost a sale: %v", events)
				}
			}
		})
		t.Run("leaving a lost stage for one of another kind in the pipeline voids its loss", func(t *testing.T) {
			path := c.path(t, nil)
			c.want(t, 200, "PUT", path+"/lost", fields{"stage_id": lost, "reason_id": 1})
			c.want(t, 200, "PATCH", path, fields{"stage_id": negotiation})
			same(t, "losses", losses(t, path), `[]`)
		})
		t.Run("moving to another pipeline voids nothing, and each pipeline has its sale", func(t *testing.T) {
			path := c.path(t, fields{"value": 5})
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won})
			c.want(t, 200, "PUT", path+"/stage", move(onboarding))
			same(t, "sales", sales(t, path), `[5]`)
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": renewed, "value": 9})
			same(t, "sales, newest first", sales(t, path), `[9,5]`)
			c.want(t, 200, "PUT", path+"/won", fields{"stage_id": won, "value": 7})
			same(t, "sales after a return", sales(t, path), `[9,7]`)
		})
	})
}
