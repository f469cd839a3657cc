package e2e

import (
	"slices"
	"testing"
	"time"
)

// relation is a row of the reference's last table: the members that an include
// adds to a lead, and the members of their objects, or of their items.
type relation struct {
	include string
	single  bool // not in the listing
	members map[string][]string
}

var (
	saleKeys     = []string{"id", "pipeline_id", "value", "closed_by", "closed_at"}
	lostSaleKeys = []string{"id", "pipeline_id", "reason_id", "lost_at", "lost_by"}
	eventKeys    = []string{"id", "event_type", "description", "performed_by", "created_at"}
	noteKeys     = []string{"id", "body", "author", "created_at"}
)

var relations = []relation{
	{"owner", false, map[string][]string{"assigned_to": nil, "owner": {"id", "name", "email"}}},
	{"products", false, map[string][]string{"products": {"id", "product_id", "product_name", "quantity", "unit_price", "discount_percent", "total"}}},
	{"contacts", false, map[string][]string{"contacts": {"id", "name", "role", "phone", "email", "is_primary"}}},
	{"notes", false, map[string][]string{"notes_list": noteKeys}},
	{"sales", false, map[string][]string{"sales": saleKeys, "lost_sales": lostSaleKeys}},
	{"tasks", false, map[string][]string{"tasks": {"id", "subject", "type", "status", "priority", "due_date", "due_time", "completed_at", "assigned_to"}}},
	{"sequences", false, map[string][]string{
		"active_sequence": {"id", "name", "current_step", "total_steps", "status"}, "sequences": {"id", "sequence_id", "name", "status", "next_step_at"},
	}},
	{"score", false, map[string][]string{"score": nil, "score_updated_at": nil}},
	{"siblings", true, map[string][]string{
		"siblings": {"id", "name", "pipeline_id", "stage_id", "value", "status", "created_at"}, "contact_totals": {"leads", "open", "won", "lost", "won_value", "open_value"},
	}},
	{"events", true, map[string][]string{"events": eventKeys}},
	{"conversation", true, map[string][]string{"conversation": {"id", "phone", "status", "last_message_at", "unread_count", "instance_id"}}},
}

// check demands that a lead has what the include adds, and nothing else besides
// its base object.
func (r relation) check(t *testing.T, what string, lead any) {
	t.Helper()
	var added []string
	for member, inside := range r.members {
		added = append(added, member)
		value := dig(lead, member)
		items, isList := value.([]any)
		if !isList && value != nil && inside != nil {
			items = []any{value}
		}
		for _, item := range items {
			keys(t, what+" "+member, item, inside...)
		}
	}
	wholeLead(t, what, lead, added...)
}

// joaosRelations are what lead 123 has of each, as far as it is fixed.
const joaosRelations = `{
	"assigned_to": 12, "owner": {"id": 12, "name": "Ana", "email": "ana@minhaempresa.com.br"},
	"products": [{}, {}], "contacts": [{}], "notes_list": [{}, {}], "tasks": [{}], "active_sequence": null,
	"siblings": [{"id": 127, "pipeline_id": 1, "status": "active"}], "contact_totals": {"leads": 2, "open": 2, "won": 0, "lost": 0, "won_value": 0},
	"events": [{}], "conversation": {"id": 99, "phone": "+5511999887766", "status": "open", "unread_count": 1, "instance_id": 1}
}`

func TestEachIncludeAddsItsMembersAndNoOthers(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		c.want(t, 200, "PUT", "/leads/250/won", fields{"stage_id": won})
		c.want(t, 200, "PUT", "/leads/126/lost", fields{"stage_id": lost, "reason_id": 2})
		bare := c.create(t, nil).at("lead", "id")
		for _, r := range relations {
			t.Run("of a lead: "+r.include, func(t *testing.T) {
				r.check(t, "lead 123", c.lead(t, joao, r.include))
				r.check(t, "lead 250", c.lead(t, "/leads/250", r.include))
				r.check(t, "lead 126", c.lead(t, "/leads/126", r.include))
			})
			t.Run("in the listing: "+r.include, func(t *testing.T) {
				listed := c.want(t, 200, "GET", "/leads?per_page=200&include="+r.include, nil).at("data")
				for _, lead := range items(listed) {
					if t.Failed() {
						break // the others would say the same
					}
					if r.single {
						wholeLead(t, "a listed lead", lead)
					} else {
						r.check(t, "a listed lead", lead)
					}
				}
				if newest := dig(listed, 0, "id"); newest != bare {
					t.Errorf("the list begins with lead %v, not with %v", newest, bare)
				}
			})
		}
		t.Run("lead 123 has what the demo promises", func(t *testing.T) {
			var all []string
			for _, r := range relations {
				all = append(all, r.include)
			}
			lead := c.lead(t, joao, all...)
			holds(t, "lead 123", lead, parsed(t, joaosRelations))
			if score, _ := lead["score"].(float64); score <= 0 || lead["score_updated_at"] == nil {
				t.Errorf("score %v of %v", lead["score"], lead["score_updated_at"])
			}
			for _, none := range []string{"sales", "lost_sales", "sequences"} {
				same(t, none, lead[none], `[]`)
			}
			for list, n := range map[string]int{"products": 2, "contacts": 1, "notes_list": 2, "siblings": 1} {
				if there := len(items(lead[list])); there != n {
					t.Errorf("%d %s, want %d", there, list, n)
				}
			}
			last, _ := dig(lead, "conversation", "last_message_at").(string)
			at, err := time.Parse(time.RFC3339, last)
			if ago := time.Since(at); err != nil || ago < time.Hour-time.Minute || ago > 2*time.Hour {
				t.Errorf("he wrote %v ago (%v)", ago, err)
			}
		})
		t.Run("a lead without any of it has empty lists and nulls", func(t *testing.T) {
			holds(t, "a bare lead", c.lead(t, c.path(t, nil), "owner", "products", "contacts", "notes", "sales", "tasks", "sequences", "score", "siblings", "conversation"),
				parsed(t, `{"assigned_to":null,"owner":null,"score":0,"score_updated_at":null,"active_sequence":null,"conversation":null}`))
			got := c.lead(t, c.path(t, nil), "products", "contacts", "notes", "sales", "tasks", "sequences", "siblings")
			for _, list := range []string{"products", "contacts", "notes_list", "sales", "lost_sales", "tasks", "sequences", "siblings"} {
				same(t, list, got[list], `[]`)
			}
		})
		t.Run("unknown names and blanks are ignored, and asking twice is asking once", func(t *testing.T) {
			wholeLead(t, "the lead", c.want(t, 200, "GET", joao+"?include=nothing,%20owner%20,,owner,OWNERS", nil).at("lead"), "assigned_to", "owner")
			wholeLead(t, "the lead", c.want(t, 200, "GET", joao+"?include=", nil).at("lead"))
		})
		t.Run("assigned_to appears only with the owner", func(t *testing.T) {
			wholeLead(t, "the lead", c.want(t, 200, "GET", joao, nil).at("lead"))
		})
		t.Run("a product's total is quantity times price without the discount, rounded to cents", func(t *testing.T) {
			for _, product := range items(c.lead(t, joao, "products")["products"]) {
				number := func(member string) float64 { n, _ := dig(product, member).(float64); return n }
				exact := number("quantity") * number("unit_price") * (1 - number("discount_percent")/100)
				if difference := exact - number("total"); difference > 0.0051 || difference < -0.0051 {
					t.Errorf("%v: the total should be %v", product, exact)
				}
			}
		})
		t.Run("notes, sales and events come newest first, with users as ids and authors as objects", func(t *testing.T) {
			lead := c.lead(t, joao, "notes", "events")
			for list, rows := range map[string][]any{"notes_list": each(lead["notes_list"], "created_at"), "events": each(lead["events"], "created_at")} {
				if !slices.IsSortedFunc(rows, func(a, b any) int { return -compareText(a, b) }) {
					t.Errorf("%s: %v", list, rows)
				}
			}
			for _, note := range items(lead["notes_list"]) {
				keys(t, "an author", dig(note, "author"), "id", "name")
			}
			for _, by := range each(lead["events"], "performed_by") {
				if id, ok := by.(float64); !ok || id < 12 || id > 14 {
					t.Errorf("performed by %v", by)
				}
			}
		})
		t.Run("of the events the newest hundred are shown", func(t *testing.T) {
			path := c.path(t, nil)
			for i := range 101 {
				c.want(t, 200, "PUT", path+"/stage", move([]int{proposal, negotiation}[i%2]))
			}
			events := each(c.lead(t, path, "events")["events"], "event_type")
			if len(events) != 100 || slices.Contains(events, "created") {
				t.Errorf("%d events", len(events))
			}
		})
	})
}

func compareText(a, b any) int {
	x, _ := a.(string)
	y, _ := b.(string)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
