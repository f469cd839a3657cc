package leads_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"syncro/internal/leads"
)

// loadedLeads gives n leads with ids 1000, 1003, 1006, … in turn over two stages.
// Of each hundred, one is archived, one merged into the lead before it, and one in
// the trash.
func (w *world) loadedLeads(t *testing.T, n int64) iter.Seq[*leads.Lead] {
	t.Helper()
	novo, vendas := w.mine.stage(t, "Novo")
	onboarding, posVenda := w.mine.stage(t, "Onboarding")
	return func(yield func(*leads.Lead) bool) {
		for i := range n {
			created := w.clock.Now().Add(time.Duration(i-n) * time.Minute)
			l := &leads.Lead{
				ID: 1000 + 3*i, Name: fmt.Sprintf("Lead %d", i), Email: fmt.Sprintf("L%d@x.com.br", i), Phone: fmt.Sprintf("+55119%08d", i), PipelineID: vendas, StageID: novo,
				CreatedAt: created, UpdatedAt: created.Add(time.Second), Version: 3,
			}
			if i%2 == 1 {
				l.PipelineID, l.StageID = posVenda, onboarding
			}
			if i%10 == 0 {
				l.Tags = `["VIP","É"]`
			}
			switch i % 100 {
			case 1:
				l.Archived = true
			case 3:
				into := l.ID - 3
				l.MergedInto = &into
			case 10:
				l.DeletedAt = &created
			}
			if !yield(l) {
				return
			}
		}
	}
}

func TestAfterALoadListsTotalsTagsAndSearchAreWhatSingleCreationsWouldHaveMade(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		// More than one batch, and enough for pages that are found through the blocks.
		n, err := leads.Load(t.Context(), w.db, w.mine.id, w.loadedLeads(t, 6000))
		check(t, err)
		if n != 6000 {
			t.Errorf("%d leads loaded", n)
		}
		w.checkCounters(t)
		novo, vendas := w.mine.stage(t, "Novo")
		for query, want := range map[string]int{
			"":                                       5880,
			fmt.Sprintf("pipeline_id=%d", vendas):    2940,
			fmt.Sprintf("stage_id=%d", novo):         2940,
			"status=archived":                        60,
			"status=merged":                          60,
			"tags[]=vip":                             540,
			"tags[]=é&tags[]=nenhum":                 540,
			"q=lead+59":                              109, // 59, 590 to 599, 5900 to 5999 without the merged and the trashed one
			"q=l4321@x":                              1,
			"q=0000-4321":                            1,
			"q=lead+10&stage_id=" + fmt.Sprint(novo): 5 + 49, // 100, 102, …; 1000, 1002, … without 1010
		} {
			if got := w.want(t, 200, w.mine, "GET", "/leads?"+query, nil).at("meta", "total"); got != float64(want) {
				t.Errorf("%s: total %v, want %d", query, got, want)
			}
		}
		for _, query := range []string{"", "tags[]=vip", "q=lead+59"} {
			if got := w.want(t, 200, w.theirs, "GET", "/leads?"+query, nil).at("meta", "total"); got != 0.0 {
				t.Errorf("%s in another account: total %v", query, got)
			}
		}
		// Page 29 of 100 begins at the 2801st of the pipeline's leads, newest first.
		page := w.want(t, 200, w.mine, "GET", fmt.Sprintf("/leads?pipeline_id=%d&per_page=100&page=29", vendas), nil)
		first, _ := page.at("data", 0, "id").(float64)
		if before := w.count(t, `SELECT count(*) FROM leads WHERE account_id = $1 AND pipeline_id = $2 AND deleted_at IS NULL AND merged_into IS NULL AND id > $3`, w.mine.id, vendas, int64(first)); before != 2800 {
			t.Errorf("page 29 begins behind %d leads, want 2800", before)
		}
	})
}

func TestALoadedLeadIsAsItWasGivenAndTheNextOneHasAHigherID(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, err := leads.Load(t.Context(), w.db, w.mine.id, w.loadedLeads(t, 12))
		check(t, err)
		got := w.want(t, 200, w.mine, "GET", "/leads/1000", nil)
		if etag := got.header.Get("ETag"); etag != `"3"` {
			t.Errorf("ETag %s", etag)
		}
		for member, want := range map[string]any{
			"name": "Lead 0", "phone": "+5511900000000", "created_at": "2026-06-30T12:48:00Z", "updated_at": "2026-06-30T12:48:01Z", "status": "active", "custom_fields": "map[]", "tags": "[VIP É]",
		} {
			if got := fmt.Sprint(got.at("lead", member)); got != want {
				t.Errorf("%s: %s, want %s", member, got, want)
			}
		}
		if id := w.create(t, w.mine, "Novo", nil).id(); id != 1034 {
			t.Errorf("the next lead has id %d, want 1034", id)
		}
		upserted := w.want(t, 200, w.mine, "POST", "/leads/upsert", map[string]any{"email": "l5@X.com.br", "notes": "x"})
		if upserted.id() != 1015 {
			t.Errorf("the upsert found lead %d, want 1015", upserted.id())
		}
		w.want(t, 200, w.mine, "PUT", "/leads/1015", map[string]any{"name": "Outro nome"})
		if got := w.want(t, 200, w.mine, "GET", "/leads?q=lead+5", nil).at("meta", "total"); got != 0.0 {
			t.Errorf("a renamed lead is found by its old name: %v", got)
		}
		w.checkCounters(t)
	})
}
