package app

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/jobs"
)

// sequence makes a sequence with one step.
func (d *desk) sequence(name string) (id int64) {
	d.t.Helper()
	d.exec(`INSERT INTO sequences (account_id, name, channel, is_active, exit_on_reply, exit_on_stage_change, created_at, updated_at)
		VALUES ($1, $2, 'whatsapp', TRUE, TRUE, FALSE, $3, $3)`, name, d.clock.Now())
	id = d.number(`SELECT id FROM sequences WHERE account_id = $1 AND name = $2`, d.id, name)
	d.exec(`INSERT INTO sequence_steps (account_id, sequence_id, position, type, delay_minutes, settings) VALUES ($1, $2, 1, 'message', 60, '{"body":"Oi"}')`, id)
	return id
}

// pair is two leads with a history of everything, of whom the second is to become
// part of the first.
type pair struct {
	primary, secondary int64
	shared, other      int64 // sequences: that both are in, that the secondary is in
}

func (d *desk) pair() (p pair) {
	d.t.Helper()
	p.primary = d.lead("Novo", map[string]any{
		"name": "João", "phone": "+5511999887766", "value": 100, "tags": []string{"vip", "site"}, "custom_fields": map[string]any{"setor": "TI"},
	})
	p.secondary = d.lead("Novo", map[string]any{
		"name": "João da Silva", "phone": "+5511999887755", "email": "joao@acme.com.br", "value": 250, "tags": []string{"VIP", "feira"},
		"notes": "Da feira", "custom_fields": map[string]any{"setor": "RH", "funcionarios": 12},
	})
	d.history(p.primary, "do primeiro")
	d.history(p.secondary, "do segundo")
	for _, lead := range []int64{p.primary, p.secondary} {
		d.want(200, "PUT", fmt.Sprintf("/leads/%d/won", lead), d.stage("Ganho"))
	}
	d.want(200, "PUT", fmt.Sprintf("/leads/%d/won", p.secondary), d.stage("Renovado"))
	d.want(200, "PUT", fmt.Sprintf("/leads/%d/stage", p.secondary), d.stage("Documentação"))
	p.shared, p.other = d.sequence("Boas-vindas"), d.sequence("Retorno")
	for lead, sequences := range map[int64][]int64{p.primary: {p.shared}, p.secondary: {p.shared, p.other}} {
		for _, sequence := range sequences {
			d.want(200, "POST", fmt.Sprintf("/leads/%d/enroll-sequence", lead), map[string]any{"sequence_id": sequence})
		}
	}
	return p
}

func (d *desk) merge(p pair, more map[string]any) reply {
	d.t.Helper()
	body := map[string]any{"secondary_id": p.secondary}
	maps.Copy(body, more)
	return d.want(200, "POST", fmt.Sprintf("/leads/%d/merge", p.primary), body)
}

func TestAMergedLeadGivesAllItHasToTheOther(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := d.pair()
		d.clock.Advance(time.Hour)
		merged := d.merge(p, nil)
		for path, want := range map[string]any{"name": "João", "phone": "+5511999887766", "email": "joao@acme.com.br", "value": 250.0, "notes": "Da feira", "status": "active"} {
			if got := merged.at("lead", path); got != want {
				t.Errorf("%s is %v", path, got)
			}
		}
		if tags := fmt.Sprint(merged.at("lead", "tags")); tags != "[vip site feira]" {
			t.Errorf("tags %s", tags)
		}
		if custom := fmt.Sprint(merged.at("lead", "custom_fields")); custom != "map[funcionarios:12 setor:TI]" {
			t.Errorf("custom fields %s", custom)
		}
		whole := d.want(200, "GET", fmt.Sprintf("/leads/%d?include=notes,tasks,contacts,products,sales,sequences,score,events", p.primary), nil)
		for member, want := range map[string]int{"notes_list": 2, "contacts": 2, "products": 2, "sales": 2} {
			if list, _ := whole.at("lead", member).([]any); len(list) != want {
				t.Errorf("%d %s: %s", len(list), member, whole.text)
			}
		}
		if whole.at("lead", "score") != 14.0 {
			t.Errorf("the score is %v", whole.at("lead", "score"))
		}
		if whole.at("lead", "events", 0, "event_type") != "merged" {
			t.Errorf("the newest event is %v", whole.at("lead", "events", 0))
		}
		for sql, want := range map[string]int64{
			`SELECT count(*) FROM messages WHERE account_id = $1 AND lead_id = $2`:                                                         2,
			`SELECT count(*) FROM conversations WHERE account_id = $1 AND lead_id = $2`:                                                    2,
			`SELECT count(*) FROM score_log WHERE account_id = $1 AND lead_id = $2`:                                                        2,
			`SELECT count(*) FROM sales WHERE account_id = $1 AND lead_id = $2 AND voided_at IS NOT NULL`:                                  1,
			`SELECT count(*) FROM sequence_enrollments WHERE account_id = $1 AND lead_id = $2 AND status = 'active'`:                       2,
			`SELECT count(*) FROM sequence_enrollments WHERE account_id = $1 AND lead_id = $2 AND status = 'exited_manual'`:                1,
			`SELECT count(*) FROM lead_contacts WHERE account_id = $1 AND lead_id = $2 AND is_primary`:                                     1,
			`SELECT count(*) FROM events WHERE account_id = $1 AND lead_id = $2 AND type = 'lead.merged' AND body LIKE '%merged_lead_id%'`: 1,
		} {
			if got := d.number(sql, d.id, p.primary); got != want {
				t.Errorf("%d: %s", got, sql)
			}
		}
		gone := d.want(200, "GET", fmt.Sprintf("/leads/%d", p.secondary), nil)
		if gone.at("lead", "status") != "merged" || d.number(`SELECT merged_into FROM leads WHERE account_id = $1 AND id = $2`, d.id, p.secondary) != p.primary {
			t.Errorf("the secondary: %s", gone.text)
		}
		for query, want := range map[string]any{"": 1.0, "?tags=feira": 1.0, "?q=silva": 0.0, "?status=merged": 1.0} {
			if got := d.want(200, "GET", "/leads"+query, nil).at("meta", "total"); got != want {
				t.Errorf("/leads%s lists %v", query, got)
			}
		}
		// What was mandatory for the secondary does not hold the primary.
		d.want(200, "PUT", fmt.Sprintf("/leads/%d/stage", p.primary), d.stage("Documentação"))
		if r := d.do("PUT", fmt.Sprintf("/leads/%d/stage", p.primary), d.stage("Novo")); r.status != 422 {
			t.Errorf("its own mandatory task does not hold it: %d", r.status)
		}
	})
}

func TestAMergeTakesEachFieldFromWhereItIsTold(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := d.pair()
		refused := d.do("POST", fmt.Sprintf("/leads/%d/merge", p.primary), map[string]any{
			"secondary_id": p.secondary, "fields": map[string]any{"phone": "other", "stage_id": "secondary", "custom_fields": map[string]any{"nenhum": "primary"}},
		})
		errors, _ := refused.at("errors").(map[string]any)
		if names := slices.Sorted(maps.Keys(errors)); refused.status != 422 || strings.Join(names, " ") != "fields.custom_fields.nenhum fields.phone fields.stage_id" {
			t.Errorf("%d %v", refused.status, names)
		}
		merged := d.merge(p, map[string]any{"fields": map[string]any{
			"phone": "secondary", "email": "primary", "value": "primary", "tags": "secondary", "notes": "secondary", "custom_fields": map[string]any{"setor": "secondary", "funcionarios": "primary"},
		}})
		got := fmt.Sprintln(merged.at("lead", "phone"), merged.at("lead", "email"), merged.at("lead", "value"), merged.at("lead", "tags"), merged.at("lead", "custom_fields"))
		if want := "+5511999887755 <nil> 100 [VIP feira] map[setor:RH]\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAMergeIsRefusedForWhatCannotBeMerged(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := pair{primary: d.lead("Novo", nil), secondary: d.lead("Novo", nil)}
		trashed, third := d.lead("Novo", nil), d.lead("Novo", nil)
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", trashed), nil)
		path := fmt.Sprintf("/leads/%d/merge", p.primary)
		for _, body := range []map[string]any{{}, {"secondary_id": "x"}, {"secondary_id": p.primary}, {"secondary_id": trashed}, {"secondary_id": 999999}} {
			if r := d.do("POST", path, body); r.status != 422 || r.at("errors", "secondary_id") == nil {
				t.Errorf("%v: %d %s", body, r.status, r.text)
			}
		}
		d.want(404, "POST", fmt.Sprintf("/leads/%d/merge", trashed), map[string]any{"secondary_id": p.primary})
		d.want(412, "POST", path, map[string]any{"secondary_id": p.secondary}, "If-Match", `"9"`)
		d.want(412, "POST", path, map[string]any{"secondary_id": p.secondary, "secondary_version": 9}, "If-Match", `"1"`)
		d.want(409, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		d.want(200, "POST", path, map[string]any{"secondary_id": p.secondary, "secondary_version": 1}, "If-Match", `"1"`)
		d.want(409, "POST", path, map[string]any{"secondary_id": p.secondary})
		d.want(409, "POST", fmt.Sprintf("/leads/%d/merge", p.secondary), map[string]any{"secondary_id": third})

		// From the outside in, and not while the other is in the trash.
		d.want(200, "POST", fmt.Sprintf("/leads/%d/merge", third), map[string]any{"secondary_id": p.primary})
		d.want(409, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", third), nil)
		d.want(409, "POST", fmt.Sprintf("/leads/%d/unmerge", p.primary), nil)
		d.want(200, "POST", fmt.Sprintf("/trash/%d/restore", third), nil)
		d.limitLeads(1)
		if r := d.do("POST", fmt.Sprintf("/leads/%d/unmerge", p.primary), nil); r.status != 422 || r.at("limit_reached") != true {
			t.Errorf("beyond the limit: %d %s", r.status, r.text)
		}
		d.limitLeads(3)
		d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", p.primary), nil)
		d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		d.want(200, "POST", path, map[string]any{"secondary_id": p.secondary})
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", p.primary), nil)
		d.want(200, "DELETE", fmt.Sprintf("/trash/%d", p.primary), nil)
		d.want(404, "GET", fmt.Sprintf("/leads/%d", p.secondary), nil)
	})
}

// told are the tables that only grow, and what of a lead counts its changes.
var (
	told    = []string{"events", "record_changes", "search_queue", "search_generations", "idempotency_keys"}
	counted = regexp.MustCompile(`; (version|updated_at)=[^;]*`)
)

// state is all that an account has but for what only tells of it.
func (d *desk) state() map[string][]string {
	d.t.Helper()
	d.check(jobs.RunDue(d.t.Context(), d.app.Duplicates.Kinds()...)) // what is found of leads is theirs, too
	rows := d.rows()
	for _, table := range told {
		delete(rows, table)
	}
	for i, row := range rows["leads"] {
		rows["leads"][i] = counted.ReplaceAllString(row, "")
	}
	for _, table := range []string{"lead_counters", "lead_blocks"} { // PostgreSQL spreads them over slots
		rows[table] = []string{fmt.Sprint(d.number(`SELECT COALESCE(sum(leads), 0)::bigint FROM `+table+` WHERE account_id = $1`, d.id))}
	}
	return rows
}

func TestAnUnmergePutsEachRowOfEachTableBack(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := d.pair()
		d.want(200, "PATCH", fmt.Sprintf("/leads/%d", p.secondary), map[string]any{"opted_out": false, "status": "archived"})
		before := d.state()
		d.clock.Advance(time.Hour)
		d.merge(p, map[string]any{"fields": map[string]any{"phone": "secondary", "custom_fields": map[string]any{"setor": "secondary"}}})
		d.clock.Advance(time.Hour)
		undone := d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		if undone.at("lead", "status") != "archived" || undone.at("lead", "name") != "João da Silva" || undone.at("primary", "phone") != "+5511999887766" || fmt.Sprint(undone.at("kept")) != "[]" {
			t.Errorf("the answer: %s", undone.text)
		}
		after := d.state()
		for table := range before {
			for _, row := range before[table] {
				if !slices.Contains(after[table], row) {
					t.Errorf("%s lost\n%s", table, row)
				}
			}
			for _, row := range after[table] {
				if table != "lead_events" && !slices.Contains(before[table], row) {
					t.Errorf("%s has got\n%s", table, row)
				}
			}
		}
		if n := len(after["lead_events"]) - len(before["lead_events"]); n != 4 { // merged, left a sequence; restored, updated
			t.Errorf("%d more events", n)
		}
		if got := d.want(200, "GET", "/leads?tags=feira", nil).at("meta", "total"); got != 1.0 {
			t.Errorf("%v leads with the secondary's tag", got)
		}
		again := d.merge(p, nil)
		if again.at("lead", "email") != "joao@acme.com.br" {
			t.Errorf("merged once more: %s", again.text)
		}
	})
}

func TestAnUnmergeLeavesToThePrimaryWhatItHasGotSince(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := d.pair()
		d.merge(p, nil)
		d.clock.Advance(time.Hour)
		path := fmt.Sprintf("/leads/%d", p.primary)
		d.want(200, "PATCH", path, map[string]any{"email": "novo@acme.com.br", "tags": []string{"vip", "feira", "novo"}, "custom_fields": map[string]any{"funcionarios": 99}})
		d.want(201, "POST", "/tasks", map[string]any{"subject": "Depois", "type": "call", "due_date": "2026-07-02", "lead_id": p.primary})
		d.want(200, "PUT", path+"/won", d.stage("Renovado")) // amends the sale that came with the secondary
		undone := d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		if kept := fmt.Sprint(undone.at("kept")); kept != "[email custom_fields.funcionarios]" {
			t.Errorf("kept %s", kept)
		}
		primary := fmt.Sprintln(undone.at("primary", "email"), undone.at("primary", "value"), undone.at("primary", "notes"), undone.at("primary", "tags"), undone.at("primary", "custom_fields"))
		if primary != "novo@acme.com.br 100 <nil> [vip novo] map[funcionarios:99 setor:TI]\n" {
			t.Errorf("the primary is %s", primary)
		}
		for lead, want := range map[int64]string{p.primary: "2 tasks, 2 sales", p.secondary: "2 tasks, 2 sales"} {
			got := d.want(200, "GET", fmt.Sprintf("/leads/%d?include=tasks,sales", lead), nil)
			tasks, _ := got.at("lead", "tasks").([]any)
			sales, _ := got.at("lead", "sales").([]any)
			if text := fmt.Sprintf("%d tasks, %d sales", len(tasks), len(sales)); text != want {
				t.Errorf("lead %d has %s: %s", lead, text, got.text)
			}
		}
	})
}

func TestMergesIntoOneLeadCanBeUndoneInAnyOrder(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		first := d.lead("Novo", map[string]any{"name": "A", "value": 1})
		second := d.lead("Novo", map[string]any{"name": "B", "value": 2, "company": "B"})
		third := d.lead("Novo", map[string]any{"name": "C", "value": 3, "company": "C"})
		before := d.state()
		for _, id := range []int64{second, third} {
			d.merge(pair{primary: first, secondary: id}, nil)
		}
		for _, id := range []int64{second, third} {
			if r := d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", id), nil); fmt.Sprint(r.at("kept")) != "[]" {
				t.Errorf("kept: %s", r.text)
			}
		}
		if after := d.state(); !slices.Equal(before["leads"], after["leads"]) {
			t.Errorf("the leads were\n%s\nand are\n%s", strings.Join(before["leads"], "\n"), strings.Join(after["leads"], "\n"))
		}
	})
}

func TestAnOptOutGoesOverAndEndsSequences(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		p := d.pair()
		d.exec(`UPDATE leads SET opted_out_at = $3 WHERE account_id = $1 AND id = $2`, p.secondary, d.clock.Now())
		d.clock.Advance(time.Hour)
		before := d.state()
		d.merge(p, nil)
		if n := d.number(`SELECT count(*) FROM sequence_enrollments WHERE account_id = $1 AND status = 'active'`, d.id); n != 0 {
			t.Errorf("%d enrolments are active of a lead that wants no messages", n)
		}
		d.want(200, "POST", fmt.Sprintf("/leads/%d/unmerge", p.secondary), nil)
		if after := d.state(); !slices.Equal(before["sequence_enrollments"], after["sequence_enrollments"]) || !slices.Equal(before["leads"], after["leads"]) {
			t.Errorf("before\n%v\nafter\n%v", before["sequence_enrollments"], after["sequence_enrollments"])
		}
	})
}

func TestOfTwoMergesOfTheSameLeadsOneWins(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		for range 5 {
			a, b := d.lead("Novo", nil), d.lead("Novo", nil)
			status := make([]int, 6)
			var all sync.WaitGroup
			for i := range status {
				all.Go(func() {
					p := pair{primary: a, secondary: b}
					if i%2 == 1 {
						p = pair{primary: b, secondary: a}
					}
					status[i] = d.do("POST", fmt.Sprintf("/leads/%d/merge", p.primary), map[string]any{"secondary_id": p.secondary}).status
				})
			}
			all.Wait()
			slices.Sort(status)
			if !slices.Equal(status, []int{200, 409, 409, 409, 409, 409}) {
				t.Fatalf("%v", status)
			}
		}
	})
}

func TestPointsThatOneLeadWouldHaveGotOnceCountOnce(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		now := d.clock.Now()
		for _, event := range []string{"profile_complete", "lead_won"} {
			d.exec(`INSERT INTO scoring_rules (account_id, name, event, conditions, points, cooldown_hours, is_active, created_at, updated_at)
				VALUES ($1, $2, $2, '[]', 10, 0, TRUE, $3, $3)`, event, now)
		}
		p := pair{primary: d.lead("Novo", nil), secondary: d.lead("Novo", nil)}
		for _, lead := range []int64{p.primary, p.secondary} {
			d.exec(`INSERT INTO score_log (account_id, lead_id, rule_id, event, points, score, reason, created_at)
				SELECT account_id, $2::bigint, id, event, points, 20, name, $3::timestamptz FROM scoring_rules WHERE account_id = $1`, lead, now)
			d.exec(`UPDATE leads SET score = 20 WHERE account_id = $1 AND id = $2`, lead)
		}
		d.merge(p, nil)
		if score := d.number(`SELECT score FROM leads WHERE account_id = $1 AND id = $2`, d.id, p.primary); score != 30 {
			t.Errorf("the score is %d", score)
		}
	})
}
