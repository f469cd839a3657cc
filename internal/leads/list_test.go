package leads_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/leads"
)

// checkCounters holds the ready counts against counts over the rows.
func (w *world) checkCounters(t *testing.T) {
	t.Helper()
	for name, sql := range map[string]string{
		"lead_counters": `SELECT count(*) FROM (
			SELECT account_id, pipeline_id, stage_id, archived, sum(n) AS off FROM (
				SELECT account_id, pipeline_id, stage_id, archived, leads AS n FROM lead_counters
				UNION ALL SELECT account_id, pipeline_id, stage_id, archived, -1 FROM leads WHERE deleted_at IS NULL AND merged_into IS NULL) AS pairs
			GROUP BY account_id, pipeline_id, stage_id, archived) AS sums WHERE off <> 0`,
		"lead_blocks": `SELECT count(*) FROM (
			SELECT account_id, pipeline_id, block, sum(n) AS off FROM (
				SELECT account_id, pipeline_id, block, leads AS n FROM lead_blocks
				UNION ALL SELECT account_id, pipeline_id, id / 1024, -1 FROM leads WHERE deleted_at IS NULL AND merged_into IS NULL) AS pairs
			GROUP BY account_id, pipeline_id, block) AS sums WHERE off <> 0`,
	} {
		if wrong := w.count(t, sql); wrong != 0 {
			t.Errorf("%d rows of %s are not what a count gives", wrong, name)
		}
	}
	w.checkTags(t)
}

// checkTags holds the index of tags against the tags of the listed leads.
func (w *world) checkTags(t *testing.T) {
	t.Helper()
	var want, got []string
	check(t, w.db.Read(t.Context(), func(q db.Querier) error {
		rows := q.Query(`SELECT account_id, id, tags FROM leads WHERE deleted_at IS NULL AND merged_into IS NULL`)
		for rows.Next() {
			var account, id int64
			var list string
			var tags []string
			rows.Scan(&account, &id, &list)
			check(t, json.Unmarshal([]byte(list), &tags))
			for _, tag := range tags {
				want = append(want, fmt.Sprint(account, " ", strings.ToLower(tag), " ", id))
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if w.db.Engine() == db.Postgres {
			rows = q.Query(`SELECT account_id, tag_key, lead_id, ''::bytea FROM lead_tags`)
		} else {
			rows = q.Query(`SELECT account_id, tag_key, block * 4096, leads FROM tag_blocks`)
		}
		for rows.Next() {
			var account, id int64
			var key string
			var packed []byte
			rows.Scan(&account, &key, &id, &packed)
			row := func(id int64) { got = append(got, fmt.Sprint(account, " ", key, " ", id)) }
			switch {
			case w.db.Engine() == db.Postgres:
				row(id)
			case len(packed) == 4096/8:
				for i := range int64(4096) {
					if packed[i/8]>>(i%8)&1 == 1 {
						row(id + i)
					}
				}
			default:
				if len(packed) == 0 {
					t.Errorf("the tag %q has an empty block", key)
				}
				for ; len(packed) > 0; packed = packed[2:] {
					row(id + int64(packed[0]) + 256*int64(packed[1]))
				}
			}
		}
		return rows.Err()
	}))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the index has %d tags of leads, and there are %d; or they differ", len(got), len(want))
	}
}

// ids lists the ids that a query gives, page by page, and checks the meta.
func (w *world) ids(t *testing.T, query string, size int) []int64 {
	t.Helper()
	var ids []int64
	for page := 1; ; page++ {
		got := w.want(t, 200, w.mine, "GET", fmt.Sprintf("/leads?%s&per_page=%d&page=%d", query, size, page), nil)
		list := got.at("data").([]any)
		for _, l := range list {
			ids = append(ids, int64(l.(map[string]any)["id"].(float64)))
		}
		total, more := int(got.at("meta", "total").(float64)), got.at("meta", "has_more").(bool)
		if last := max((total+size-1)/size, 1); int(got.at("meta", "last_page").(float64)) != last || more != (page < last) {
			t.Errorf("%s page %d: meta %v", query, page, got.at("meta"))
		}
		if !more {
			if len(ids) != total {
				t.Errorf("%s: %d leads on the pages, a total of %d", query, len(ids), total)
			}
			return ids
		}
	}
}

// model is what a test knows of a lead.
type model struct {
	id                                int64
	name, email, phone, source, stage string
	tags                              []string
	value                             int
	archived, deleted                 bool
	assigned                          bool
	created, updated                  time.Time
}

func TestListsAgreeWithAnObviousComputationAfterAnyHistory(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := rand.New(rand.NewPCG(7, 7))
		pick := func(list ...string) string { return list[r.IntN(len(list))] }
		stages := []string{"Novo", "Proposta", "Ganho", "Perdido", "Onboarding", "Renovado"}
		var all []*model
		for i := range 150 {
			w.clock.Advance(time.Duration(r.IntN(5*3600)) * time.Second)
			m := &model{
				name: pick("João", "Maria", "Zoë", "ana 100%", "a_b", "Çelik") + " " + pick("Silva", "Souza", "Müller"), email: pick("", fmt.Sprintf("p%d@ACME.com", r.IntN(9))),
				phone: pick("", "+5511999887766", "+551133334444", "+5521988776655", "ramal 12"), source: pick("", "site", "Site"), stage: pick(stages...),
				tags: slices.Compact([]string{pick("vip", "novo"), pick("vip", "Frio")}), value: r.IntN(3), assigned: r.IntN(2) == 0, created: w.clock.Now(), updated: w.clock.Now(),
			}
			body := map[string]any{"name": m.name, "email": m.email, "phone": m.phone, "source": m.source, "tags": m.tags}
			if m.value > 0 {
				body["value"] = m.value
			}
			if m.assigned {
				body["assigned_to"] = w.mine.user
			}
			m.id = w.create(t, w.mine, m.stage, body).id()
			all = append(all, m)
			delete(body, "assigned_to")
			w.create(t, w.theirs, m.stage, body)
			other := all[r.IntN(len(all))]
			path := fmt.Sprintf("/leads/%d", other.id)
			switch {
			case other.deleted || i%2 == 0:
			case i%8 == 1:
				other.archived, other.updated = true, w.clock.Now()
				w.want(t, 200, w.mine, "PATCH", path, map[string]any{"status": "archived", "notes": fmt.Sprint(i)})
			case i%8 == 3:
				other.deleted = true
				w.want(t, 200, w.mine, "DELETE", path, nil)
			case i%16 == 13:
				other.tags, other.updated = []string{pick("VIP", "Frio", "Ação")}, w.clock.Now()
				w.want(t, 200, w.mine, "PATCH", path, map[string]any{"tags": other.tags, "notes": fmt.Sprint(i)})
			case i%8 == 5:
				other.name, other.updated = "Renomeado José", w.clock.Now()
				w.want(t, 200, w.mine, "PATCH", path, map[string]any{"name": other.name, "notes": fmt.Sprint(i)})
			default:
				if to := pick(stages...); to != other.stage {
					other.stage, other.updated = to, w.clock.Now()
					w.want(t, 200, w.mine, "PUT", path+"/stage", w.mine.move(t, to))
				}
			}
			if i%20 == 19 {
				_, err := w.leads.IndexSearch(t.Context())
				check(t, err)
			}
		}
		w.checkCounters(t)
		middle := all[75].created
		proposta, vendas := w.mine.stage(t, "Proposta")
		kind := map[string]string{"Novo": "open", "Proposta": "open", "Onboarding": "open", "Ganho": "won", "Renovado": "won", "Perdido": "lost"}
		contains := func(q string) func(*model) bool {
			return func(m *model) bool {
				return strings.Contains(plain(m.name), q) || strings.Contains(strings.ToLower(m.email), q) || strings.Contains(m.phone, q)
			}
		}
		for query, match := range map[string]func(*model) bool{
			"":                                    func(*model) bool { return true },
			"status=active":                       func(m *model) bool { return !m.archived },
			"status=archived":                     func(m *model) bool { return m.archived },
			"status=merged":                       func(*model) bool { return false },
			"status=won":                          func(m *model) bool { return kind[m.stage] == "won" },
			"status=open":                         func(m *model) bool { return kind[m.stage] == "open" },
			fmt.Sprintf("pipeline_id=%d", vendas): func(m *model) bool { return m.stage != "Onboarding" && m.stage != "Renovado" },
			fmt.Sprintf("stage_id=%d", proposta):  func(m *model) bool { return m.stage == "Proposta" },
			fmt.Sprintf("pipeline_id=%d&status=lost", vendas): func(m *model) bool { return m.stage == "Perdido" },
			fmt.Sprintf("assigned_to=%d", w.mine.user):        func(m *model) bool { return m.assigned },
			fmt.Sprintf("assigned_to=%d", w.theirs.user):      func(m *model) bool { return false },
			"pipeline_id=999999":                              func(m *model) bool { return false },
			"source=site":                                     func(m *model) bool { return m.source == "site" },
			"tags[]=VIP":                                      func(m *model) bool { return slices.Contains(m.tags, "vip") || slices.Contains(m.tags, "VIP") },
			"tags[]=a%C3%87%C3%A3o":                           func(m *model) bool { return slices.Contains(m.tags, "Ação") },
			"tags=frio,novo":                                  func(m *model) bool { return slices.Contains(m.tags, "Frio") || slices.Contains(m.tags, "novo") },
			"tags[0]=frio&status=open":                        func(m *model) bool { return slices.Contains(m.tags, "Frio") && kind[m.stage] == "open" },
			"updated_since=" + url.QueryEscape(middle.Format(time.RFC3339)): func(m *model) bool { return !m.updated.Before(middle.Truncate(time.Second)) },
			"created_from=" + middle.Format("2006-01-02T15:04:05Z"):         func(m *model) bool { return !m.created.Before(middle.Truncate(time.Second)) },
			"created_to=" + middle.Format("2006-01-02T15:04:05Z"):           func(m *model) bool { return m.created.Before(middle.Truncate(time.Second).Add(time.Second)) },
			"created_to=2026-07-05":                                         func(m *model) bool { return m.created.Before(time.Date(2026, 7, 6, 3, 0, 0, 0, time.UTC)) },
			"q=joao":                                                        contains("joao"),
			"q=SOUZA":                                                       contains("souza"),
			"q=z":                                                           contains("z"),
			"q=zo":                                                          contains("zo"),
			"q=100%25":                                                      contains("100%"),
			"q=a_b":                                                         contains("a_b"),
			"q=_":                                                           contains("_"),
			"q=acme.com":                                                    contains("acme.com"),
			"q=%2B5511":                                                     func(m *model) bool { return strings.HasPrefix(m.phone, "+5511") },
			"q=99988-7766":                                                  func(m *model) bool { return m.phone == "+5511999887766" },
			"q=551199887766":                                                func(m *model) bool { return m.phone == "+5511999887766" },
			"q=11+9988-7766":                                                func(m *model) bool { return m.phone == "+5511999887766" },
			"q=118":                                                         contains("118"),
			"q=jos%C3%A9&status=won":                                        func(m *model) bool { return contains("jose")(m) && kind[m.stage] == "won" },
			"q=silva&tags=vip&sort=name": func(m *model) bool {
				return contains("silva")(m) && (slices.Contains(m.tags, "vip") || slices.Contains(m.tags, "VIP"))
			},
			"q=silva&tags=frio":   func(m *model) bool { return contains("silva")(m) && slices.Contains(m.tags, "Frio") },
			"q=silva&tags=nenhum": func(m *model) bool { return false },
			"sort=name&tags=frio": func(m *model) bool { return slices.Contains(m.tags, "Frio") },
			"sort=name&q=souza":   contains("souza"),
			"q=%22OR%22":          contains(`"or"`),
			"q=zzzqqq":            contains("zzzqqq"),
		} {
			var want []int64
			for _, m := range slices.Backward(all) {
				if !m.deleted && match(m) {
					want = append(want, m.id)
				}
			}
			got := w.ids(t, query, 23)
			if strings.Contains(query, "sort=") {
				slices.Sort(got)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v\nwant %v", query, got, want)
			}
		}
		for order, less := range map[string]func(a, b *model) int{
			"name":        func(a, b *model) int { return strings.Compare(plain(a.name), plain(b.name)) },
			"-name":       func(a, b *model) int { return strings.Compare(plain(b.name), plain(a.name)) },
			"value":       func(a, b *model) int { return (a.value+2)%3 - (b.value+2)%3 },
			"-value":      func(a, b *model) int { return b.value - a.value },
			"id":          func(a, b *model) int { return int(a.id - b.id) },
			"-created_at": func(a, b *model) int { return b.created.Compare(a.created) },
			"updated_at":  func(a, b *model) int { return a.updated.Compare(b.updated) },
		} {
			var kept []*model
			for _, m := range all {
				if !m.deleted {
					kept = append(kept, m)
				}
			}
			sort.SliceStable(kept, func(i, j int) bool {
				if c := less(kept[i], kept[j]); c != 0 {
					return c < 0
				}
				return kept[i].id > kept[j].id
			})
			var want []int64
			for _, m := range kept {
				want = append(want, m.id)
			}
			if got := w.ids(t, "sort="+order, 40); !slices.Equal(got, want) {
				t.Errorf("sort=%s: %v\nwant %v", order, got, want)
			}
		}
	})
}

func plain(s string) string {
	return strings.NewReplacer("ã", "a", "ç", "c", "ë", "e", "ü", "u", "é", "e").Replace(strings.ToLower(s))
}

func TestAPageFoundThroughBlocksIsThePageThatOffsetGives(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		novo, vendas := w.mine.stage(t, "Novo")
		onboarding, _ := w.mine.stage(t, "Onboarding")
		ganho, _ := w.mine.stage(t, "Ganho")
		// Every third lead of 6,000 in a row, and every seventh of these then moves away and back into nowhere.
		check(t, w.db.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 2000 {
				stage := novo
				if i%5 == 0 {
					stage = ganho
				}
				_, err := tx.Exec(`INSERT INTO leads (id, account_id, name, name_key, pipeline_id, stage_id, stage_since, search_text, search_phone, created_at, updated_at)
					VALUES ($1, $2, 'x', 'x', $3, $4, $5, 'x', '', $5, $5)`, int64(10_000+3*i), w.mine.id, vendas, stage, tx.Now())
				if err != nil {
					return err
				}
			}
			return nil
		}))
		check(t, w.db.Write(t.Context(), func(tx *db.Tx) error { return leads.RebuildCounters(tx, w.mine.id) }))
		for i := 0; i < 2000; i += 70 {
			path := fmt.Sprintf("/leads/%d", 10_000+3*i)
			if i%140 == 0 {
				w.want(t, 200, w.mine, "DELETE", path, nil)
			} else {
				w.want(t, 200, w.mine, "PUT", path, map[string]any{"stage_id": onboarding})
			}
		}
		w.checkCounters(t)
		for _, query := range []string{fmt.Sprintf("pipeline_id=%d", vendas), "source="} {
			where := `account_id = $1 AND deleted_at IS NULL`
			if query != "source=" {
				where += fmt.Sprintf(` AND pipeline_id = %d`, vendas)
			}
			var want []int64
			check(t, w.db.Read(t.Context(), func(q db.Querier) (err error) {
				want, err = db.Column[int64](q.Query(`SELECT id FROM leads WHERE `+where+` ORDER BY id DESC`, w.mine.id))
				return err
			}))
			if got := w.ids(t, query, 113); !slices.Equal(got, want) {
				t.Errorf("%s: the pages do not add up to the list", query)
			}
			if got := w.want(t, 200, w.mine, "GET", "/leads?page=1000000000000000000&"+query, nil); len(got.at("data").([]any)) != 0 {
				t.Error("a page past the end has leads")
			}
		}
	})
}
