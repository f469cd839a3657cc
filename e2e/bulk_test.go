package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// actedOn is how many leads a bulk action that is killed changes: enough for it to
// be caught in the middle.
const actedOn = 3000

// A bulk action and its undo are killed in the middle, and go on with the next
// server. Between the two no lead is changed that the action does not count, and at
// the end everything is as it was.
func TestABulkActionAndItsUndoSurviveAKill(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		i := install(t, e)
		key := i.key(t, "--rate-limit", "1000000")
		p := i.serve(t)
		c := p.client(key)
		for from := 0; from < actedOn; from += 1000 {
			var items []fields
			for n := from; n < from+1000; n++ {
				items = append(items, fields{
					"op": "upsert", "name": fmt.Sprint("Lead ", n), "email": fmt.Sprintf("l%d@a.br", n), "value": n, "source": "site",
					"pipeline_id": 1, "stage_id": 1 + n%5, "tags": []string{fmt.Sprint("t", n%3)},
				})
			}
			if got := c.want(t, 200, "POST", "/leads/batch", fields{"items": items}); got.at("failed") != 0.0 {
				t.Fatal(got.text)
			}
		}
		before := c.everyLead(t)
		action := fields{"filter": fields{}, "expected_total": actedOn, "action": "update", "fields": fields{"source": "lote", "stage_id": 4, "value": 1, "tags": []string{"t1", "novo"}}}
		path := fmt.Sprintf("/leads/bulk-actions/%v", c.want(t, 201, "POST", "/leads/bulk-actions", action).at("bulk_action", "id"))

		p, c = killedIn(t, i, p, c, path, "changed")
		c.consistent(t, path, "changed", func(changed float64) float64 { return changed })
		c.await(t, path, "bulk_action", "done")
		if got := c.want(t, 200, "GET", path, nil); got.at("bulk_action", "changed") != float64(actedOn) || got.at("bulk_action", "failed") != 0.0 {
			t.Errorf("got %s", got.text)
		}

		c.want(t, 200, "POST", path+"/undo", nil)
		_, c = killedIn(t, i, p, c, path, "reverted")
		c.consistent(t, path, "reverted", func(reverted float64) float64 { return actedOn - reverted })
		c.await(t, path, "bulk_action", "undone")
		if got := c.want(t, 200, "GET", path, nil); got.at("bulk_action", "reverted") != float64(actedOn) || got.at("bulk_action", "kept") != 0.0 {
			t.Errorf("got %s", got.text)
		}
		after := c.everyLead(t)
		for n := range before {
			if before[n] != after[n] {
				t.Fatalf("was %s\nis  %s", before[n], after[n])
			}
		}
	})
}

// killedIn kills the server when an operation is in the middle of its work, as its
// count tells, and starts another one.
func killedIn(t *testing.T, i installation, p *process, c *client, path, count string) (*process, *client) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		n, _ := c.want(t, 200, "GET", path, nil).at("bulk_action", count).(float64)
		if n >= actedOn {
			t.Fatal("it was over before it could be killed")
		}
		if n > actedOn/5 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it has not begun")
		}
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	p = i.serve(t)
	return p, p.client(c.key)
}

// consistent compares what an operation counts with the leads that are changed, at a
// moment when it stands still.
func (c *client) consistent(t *testing.T, path, count string, changed func(counted float64) float64) {
	t.Helper()
	for range 100 {
		before := c.want(t, 200, "GET", path, nil).at("bulk_action", count)
		total := c.want(t, 200, "GET", "/leads?source=lote&tags=novo&stage_id=4", nil).at("meta", "total")
		if c.want(t, 200, "GET", path, nil).at("bulk_action", count) != before {
			continue
		}
		counted, _ := before.(float64)
		if total != changed(counted) || counted == 0 {
			t.Errorf("it counts %v %s, and %v leads are changed", counted, count, total)
		}
		return
	}
	t.Error("it never stood still")
}

// everyLead gives all leads with what belongs to them, but for the time of their
// last change.
func (c *client) everyLead(t *testing.T) (all []string) {
	t.Helper()
	for page := 1; ; page++ {
		got := c.want(t, 200, "GET", fmt.Sprintf("/leads?per_page=200&sort=id&include=owner,sales,tasks&page=%d", page), nil)
		for _, lead := range items(got.at("data")) {
			lead, _ := lead.(map[string]any)
			delete(lead, "updated_at")
			text, err := json.Marshal(lead)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strings.TrimSpace(string(text)))
		}
		if got.at("meta", "has_more") != true {
			return all
		}
	}
}
