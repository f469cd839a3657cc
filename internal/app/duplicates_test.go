package app

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncro/internal/jobs"
	"syncro/internal/leads"
)

// pairs looks for duplicates and tells what is listed: "email phone 99: 1 2".
func (d *desk) pairs() []string {
	d.t.Helper()
	d.check(jobs.RunDue(d.t.Context(), d.app.Duplicates.Kinds()...))
	var all []string
	var list []any
	for page, more := 1, true; more; page++ {
		got := d.want(200, "GET", fmt.Sprintf("/duplicates?per_page=200&page=%d", page), nil)
		some, _ := got.at("data").([]any)
		list, more = append(list, some...), got.at("meta", "has_more") == true
	}
	for i := range list {
		pair := reply{body: list[i].(map[string]any)}
		reasons, _ := pair.at("reasons").([]any)
		text := ""
		for j := range reasons {
			text += fmt.Sprint(pair.at("reasons", j, "type"), " ")
		}
		all = append(all, fmt.Sprintf("%s%v: %v %v", text, pair.at("confidence"), pair.at("leads", 0, "id"), pair.at("leads", 1, "id")))
	}
	slices.Sort(all)
	return all
}

func (d *desk) expectPairs(want ...string) {
	d.t.Helper()
	if got := d.pairs(); !slices.Equal(got, want) {
		d.t.Errorf("the pairs are %q, want %q", got, want)
	}
}

func (d *desk) patch(lead int64, fields map[string]any) {
	d.t.Helper()
	d.want(200, "PATCH", fmt.Sprintf("/leads/%d", lead), fields)
}

func TestDuplicatesAreFoundByEmailPhoneAndNameInACompany(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		for _, fields := range []map[string]any{
			{"name": "João Silva", "email": "JOAO@acme.com.br", "phone": "+5511999887766", "company": "ACME Ltda"},
			{"name": "J. S.", "email": "joao@acme.com.br"},
			{"name": "Outro", "phone": "1199887766"}, // without its ninth digit
			{"name": "Silva, Joao", "company": "acme"},
			{"name": "João Silva", "company": "Padaria"},
			{"name": "Maria Souza", "company": "ACME"},
			{"name": "João Silva"},
		} {
			d.lead("Novo", fields)
		}
		d.expectPairs("email 95: 1 2", "name 85: 1 4", "phone 90: 1 3")
		first := d.want(200, "GET", "/duplicates?per_page=1", nil)
		if first.at("meta", "total") != 3.0 || first.at("data", 0, "reasons", 0, "value") != "joao@acme.com.br" || first.at("data", 0, "leads", 0, "name") != "João Silva" {
			t.Errorf("the list: %s", first.text)
		}
		if of := d.want(200, "GET", "/duplicates?lead_id=3", nil); of.at("meta", "total") != 1.0 || of.at("data", 0, "leads", 1, "id") != 3.0 {
			t.Errorf("the pairs of a lead: %s", of.text)
		}
	})
}

func TestAPairIsGoneWhenItsReasonIs(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		for range 4 {
			d.lead("Novo", map[string]any{"email": "joao@acme.com.br"})
		}
		d.expectPairs("email 95: 1 2", "email 95: 1 3", "email 95: 1 4", "email 95: 2 3", "email 95: 2 4", "email 95: 3 4")
		d.patch(2, map[string]any{"email": "outro@acme.com.br"})
		d.expectPairs("email 95: 1 3", "email 95: 1 4", "email 95: 3 4")
		d.want(200, "DELETE", "/leads/1", nil)
		if total := d.want(200, "GET", "/duplicates", nil).at("meta", "total"); total != 1.0 {
			t.Errorf("%v pairs, one of them with a lead in the trash", total)
		}
		d.want(200, "POST", "/trash/1/restore", nil)
		d.expectPairs("email 95: 1 3", "email 95: 1 4", "email 95: 3 4")
		d.merge(pair{primary: 1, secondary: 3}, nil)
		if total := d.want(200, "GET", "/duplicates", nil).at("meta", "total"); total != 1.0 {
			t.Errorf("%v pairs, one of them with a merged lead", total)
		}
		d.expectPairs("email 95: 1 4")
		d.want(200, "POST", "/leads/3/unmerge", nil)
		d.patch(2, map[string]any{"email": "joao@acme.com.br"})
		d.expectPairs("email 95: 1 2", "email 95: 1 3", "email 95: 1 4", "email 95: 2 3", "email 95: 2 4", "email 95: 3 4")
	})
}

func TestADismissedPairIsShownAgainOnlyWhenSomethingChanges(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.lead("Novo", map[string]any{"name": "João Silva", "email": "joao@acme.com.br"})
		d.lead("Novo", map[string]any{"name": "Ana Silva", "email": "joao@acme.com.br"})
		d.expectPairs("email 95: 1 2")
		id := d.number(`SELECT id FROM duplicates WHERE account_id = $1`, d.id)
		d.want(404, "POST", fmt.Sprintf("/duplicates/%d/dismiss", id+1), nil)
		for range 2 {
			d.want(200, "POST", fmt.Sprintf("/duplicates/%d/dismiss", id), nil)
		}
		d.expectPairs()
		d.patch(2, map[string]any{"name": "Ana da Silva", "email": "JOAO@acme.com.br", "value": 5})
		d.expectPairs()
		d.patch(2, map[string]any{"phone": "+5511999887766"})
		d.expectPairs()
		d.patch(1, map[string]any{"phone": "+5511999887766"})
		d.expectPairs("email phone 99: 1 2")
	})
}

func TestALargeGroupHasABoundedNumberOfPairsAndStaysOne(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		const n, most = 100, 100 * (6 + 2*10) // of 4,950 pairs: the oldest of a group, neighbours in two orders
		for i := range n {
			d.lead("Novo", map[string]any{"name": fmt.Sprintf("Pessoa %c%c%c", 'a'+i%26, 'b'+i/2%24, 'c'+i/3%20), "email": "geral@acme.com.br", "company": "ACME"})
		}
		connected := func(gone ...float64) {
			t.Helper()
			group := map[string]string{}
			var root func(string) string
			root = func(id string) string {
				if up := group[id]; up != "" && up != id {
					return root(up)
				}
				return id
			}
			pairs := d.pairs()
			for _, pair := range pairs {
				_, two, _ := strings.Cut(pair, ": ")
				a, b, _ := strings.Cut(two, " ")
				group[root(a)] = root(b)
			}
			roots := map[string]bool{}
			for id := range n {
				if text := strconv.Itoa(id + 1); !slices.Contains(gone, float64(id+1)) {
					roots[root(text)] = true
				}
			}
			if len(roots) != 1 || len(pairs) > most {
				t.Errorf("%d groups in %d pairs", len(roots), len(pairs))
			}
		}
		connected()
		var gone []float64
		for id := 1; id <= 8; id++ { // those that the others are paired with
			d.want(200, "DELETE", fmt.Sprintf("/leads/%d", id), nil)
			gone = append(gone, float64(id))
		}
		connected(gone...)
	})
}

// loaded fills the account with leads beneath the rules, as an old database has
// them: every tenth has the email of the one before it, and they work in companies
// of some hundred.
func (d *desk) loaded(n int64) {
	d.t.Helper()
	syllables := []string{"ma", "ri", "jo", "se", "lu", "ca", "pe", "dro", "bru", "na", "fer", "do", "al", "ves", "tin", "ro"}
	word := func(n int64) string { return syllables[n%16] + syllables[n/16%16] + syllables[n/256%16] }
	stage := d.stage("Novo")
	_, err := leads.Load(d.t.Context(), d.db, d.id, func(yield func(*leads.Lead) bool) {
		for i := range n {
			of := i
			if i%10 == 9 {
				of--
			}
			l := &leads.Lead{
				ID: i + 1, Name: word(i*7919%4096) + " " + word(i*104729%4093), Email: fmt.Sprintf("p%d@a.br", of), Phone: fmt.Sprintf("+55119%08d", 80000000+i%90000000),
				Company: fmt.Sprintf("Empresa %d", i%(n/200+1)), StageID: stage["stage_id"].(int64), PipelineID: stage["pipeline_id"].(int64), CreatedAt: d.clock.Now(),
			}
			if !yield(l) {
				return
			}
		}
	})
	d.check(err)
}

func TestTheLeadsThatWereThereBeforeAreScannedOnceWhateverStopsIt(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.loaded(1000)
		scan := d.app.Duplicates.Kinds()[1]
		for range 2 {
			d.check(scan.Work(t.Context(), strconv.FormatInt(d.id, 10)))
		}
		if to := d.number(`SELECT scanned_to FROM duplicate_scans WHERE account_id = $1 AND finished_at IS NULL`, d.id); to != 500 {
			t.Fatalf("it has come to %d", to)
		}
		const byEmail = `SELECT count(*) FROM duplicates WHERE account_id = $1 AND fingerprint LIKE 'email:%'`
		before := d.number(byEmail, d.id)
		d.exec(`UPDATE duplicate_scans SET scanned_to = 250 WHERE account_id = $1`) // as if it had stopped before it could say so
		d.check(jobs.RunDue(t.Context(), d.app.Duplicates.Kinds()...))
		if after := d.number(byEmail, d.id); before != 50 || after != 100 {
			t.Errorf("%d pairs, and %d at the end", before, after)
		}
		if due, err := scan.Due(t.Context(), 10); err != nil || len(due) != 0 {
			t.Errorf("still due: %v %v", due, err)
		}
	})
}

func TestHowLongTheScanOfManyLeadsTakes(t *testing.T) {
	n, err := strconv.ParseInt(os.Getenv("SCAN_LEADS"), 10, 64)
	if err != nil {
		n = 2000
	}
	eachDesk(t, func(t *testing.T, d *desk) {
		d.loaded(n)
		began := time.Now()
		d.check(d.scan())
		took := time.Since(began)
		if pairs := d.number(`SELECT count(*) FROM duplicates WHERE account_id = $1 AND fingerprint LIKE 'email:%'`, d.id); pairs != n/10 {
			t.Errorf("%d pairs of %d leads", pairs, n)
		}
		t.Logf("%d leads in %v", n, took)
	})
}

// scan scans the account to the end.
func (d *desk) scan() error {
	kind := d.app.Duplicates.Kinds()[1]
	for {
		due, err := kind.Due(d.t.Context(), 1)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := kind.Work(d.t.Context(), due[0]); err != nil {
			return err
		}
	}
}
