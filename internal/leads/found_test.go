package leads_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"syncro/internal/leads"
)

func (w *world) indexAll(t *testing.T) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = w.leads.IndexSearch(t.Context())
		check(t, err)
	}
}

func TestASearchThatWasAskedBeforeAnswersWithWhatIsThereNow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		total := func(want int, when string) {
			t.Helper()
			for range 2 {
				if got := w.want(t, 200, w.mine, "GET", "/leads?q=silva", nil).at("meta", "total"); got != float64(want) {
					t.Errorf("%s: %v leads found, want %d", when, got, want)
				}
			}
		}
		total(0, "before the first lead")
		id := w.create(t, w.mine, "Novo", nil).id()
		w.create(t, w.mine, "Novo", nil)
		total(2, "after two creations")
		w.indexAll(t)
		total(2, "after they were indexed")
		w.want(t, 200, w.mine, "PUT", fmt.Sprint("/leads/", id), map[string]any{"name": "Ana Costa"})
		total(1, "after one was renamed")
		w.indexAll(t)
		total(1, "after it was indexed anew")
		w.create(t, w.theirs, "Novo", nil)
		w.indexAll(t)
		total(1, "after a creation in another account")
		w.want(t, 200, w.mine, "PUT", fmt.Sprint("/leads/", id), map[string]any{"name": "Ana da Silva"})
		total(2, "after it got its name back")
		w.want(t, 200, w.mine, "DELETE", fmt.Sprint("/leads/", id+1), nil)
		total(1, "after the other one was deleted")
		w.indexAll(t)
		total(1, "after that was indexed")
	})
}

// The names stay hits of "lead" throughout, whoever is renamed and indexed meanwhile.
func TestASearchDuringRenamingAndIndexingMissesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const n = 30
		var ids []int64
		for range n {
			ids = append(ids, w.create(t, w.mine, "Novo", map[string]any{"name": "Lead"}).id())
		}
		var writing, reading sync.WaitGroup
		stop := make(chan struct{})
		for _, half := range [][]int64{ids[:n/2], ids[n/2:]} {
			writing.Go(func() {
				for i, id := range half {
					if got := w.do(w.mine, "PATCH", fmt.Sprint("/leads/", id), map[string]any{"name": fmt.Sprint("Um lead ", i)}); got.status != 200 {
						t.Errorf("renaming: %s", got.text)
					}
					if _, err := w.leads.IndexSearch(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 2 {
			reading.Go(func() {
				for {
					if got := w.do(w.mine, "GET", "/leads?q=lead&per_page=10&page=3", nil); got.at("meta", "total") != float64(n) || len(got.at("data").([]any)) != 10 {
						t.Errorf("%d leads: %s", n, got.text)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		writing.Wait()
		close(stop)
		reading.Wait()
	})
}

func TestATagOfManyLeadsIsListedRightWhileItSpreadsAndShrinks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		stage, pipeline := w.mine.stage(t, "Novo")
		const n, first = 400, 4000 // more than a packed block keeps as a list, and beyond its end
		var with []int64
		_, err := leads.Load(t.Context(), w.db, w.mine.id, func(yield func(*leads.Lead) bool) {
			for id := range int64(n) {
				if !yield(&leads.Lead{ID: first + id, Name: "Lead", Tags: `["vip"]`, PipelineID: pipeline, StageID: stage, CreatedAt: w.clock.Now()}) {
					return
				}
			}
		})
		check(t, err)
		for id := range int64(n) {
			with = append(with, first+n-1-id)
		}
		verify := func(when string) {
			t.Helper()
			if got := w.ids(t, "tags[]=VIP&tags[]=other", 37); !slices.Equal(got, with) {
				t.Errorf("%s: %d leads are listed, want %d; or they differ", when, len(got), len(with))
			}
			w.checkCounters(t)
		}
		verify("loaded")
		for id := int64(4110); id < 4200; id++ {
			w.want(t, 200, w.mine, "DELETE", fmt.Sprintf("/leads/%d/tags/vip", id), nil)
			with = slices.DeleteFunc(with, func(other int64) bool { return other == id })
		}
		verify("removed from ninety")
		w.want(t, 200, w.mine, "POST", "/leads/4150/tags", map[string]any{"tags": []string{"Other", "VIP"}})
		w.want(t, 200, w.mine, "DELETE", "/leads/4150/tags/other", nil)
		with = append(with, 4150)
		slices.SortFunc(with, func(a, b int64) int { return int(b - a) })
		verify("back at one")
	})
}
