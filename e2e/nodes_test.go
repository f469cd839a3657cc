package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// installation is a database with an account, set up by the command line.
type installation struct {
	dir, url string
}

func install(t testing.TB, e engine) installation {
	t.Helper()
	i := installation{t.TempDir(), e.url(t)}
	i.run(t, "account", "create", "--name", "Empresa")
	return i
}

// run runs a command of administration.
func (i installation) run(t testing.TB, args ...string) string {
	t.Helper()
	return must(t, i.dir, append(args, "--database", i.url)...)
}

func (i installation) key(t testing.TB, args ...string) string {
	t.Helper()
	return i.run(t, append([]string{"key", "create", "--name", "e2e"}, args...)...)
}

// serve starts a server on the database.
func (i installation) serve(t *testing.T, args ...string) *process {
	t.Helper()
	return start(t, i.dir, append([]string{"serve", "--database", i.url}, args...)...)
}

func (p *process) client(key string) *client { return &client{"http://" + p.addr, key} }

func TestTwoNodesOnOneDatabase(t *testing.T) {
	t.Parallel()
	crowd <- struct{}{}
	t.Cleanup(func() { <-crowd })
	i := install(t, postgres)
	fast := i.key(t, "--rate-limit", "100000")
	nodes := []*client{i.serve(t).client(fast), i.serve(t).client(fast)}
	contact := fields{"name": "Contato", "email": "dois@x.com.br", "pipeline_id": 1, "stage_id": 1}

	t.Run("what one has written the other shows", func(t *testing.T) {
		path := nodes[0].path(t, fields{"stage_id": 1, "name": "Escrito"})
		same(t, "the name", nodes[1].lead(t, path)["name"], `"Escrito"`)
	})
	t.Run("a key's rate limit is shared", func(t *testing.T) {
		key := i.key(t, "--rate-limit", "10")
		answers := atOnce(24, func(n int) answer { return nodes[n%2].as(key).do(t, "GET", "/account", nil) })
		if statuses := countStatuses(answers); statuses[200] != 10 || statuses[429] != 14 {
			t.Errorf("statuses %v", statuses)
		}
	})
	t.Run("a revoked key, a suspended account and a new pipeline reach both within a second", func(t *testing.T) {
		key := i.key(t)
		id := strings.Fields(lastLine(i.run(t, "key", "list")))[0]
		within(t, nodes, key, 200, 401, func() { i.run(t, "key", "revoke", id) })
		within(t, nodes, fast, 200, 403, func() { i.run(t, "account", "suspend", "1") })
		within(t, nodes, fast, 403, 200, func() { i.run(t, "account", "activate", "1") })
	})
	t.Run("upserts of one contact through both make one lead", func(t *testing.T) {
		answers := atOnce(20, func(n int) answer { return nodes[n%2].do(t, "POST", "/leads/upsert", contact) })
		if statuses := countStatuses(answers); statuses[201] != 1 || statuses[200] != 19 {
			t.Errorf("statuses %v", statuses)
		}
	})
	t.Run("one Idempotency-Key through both makes one lead and one answer", func(t *testing.T) {
		body := fields{"name": "Repetida", "pipeline_id": 1, "stage_id": 1, "source": "repetida"}
		answers := atOnce(16, func(n int) answer { return nodes[n%2].do(t, "POST", "/leads", body, "Idempotency-Key", "k") })
		for _, a := range answers {
			if a.status != 201 || a.text != answers[0].text {
				t.Errorf("%d %s\nfirst %s", a.status, a.text, answers[0].text)
			}
		}
		if ids := nodes[0].ids(t, "source=repetida"); len(ids) != 1 {
			t.Errorf("leads %v", ids)
		}
	})
	t.Run("a plan's limit holds on both together", func(t *testing.T) {
		id := i.run(t, "account", "create", "--name", "Cheia", "--max-leads", "5")
		key := i.key(t, "--account", id)
		board := nodes[0].as(key).want(t, 200, "GET", "/pipelines", nil)
		body := fields{"name": "x", "pipeline_id": board.at("pipelines", 0, "id"), "stage_id": board.at("pipelines", 0, "stages", 0, "id")}
		answers := atOnce(20, func(n int) answer { return nodes[n%2].as(key).do(t, "POST", "/leads", body) })
		if statuses := countStatuses(answers); statuses[201] != 5 || statuses[422] != 15 {
			t.Errorf("statuses %v", statuses)
		}
	})
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// within demands that a change turns the answers of all nodes from one status to
// another, and that no request gets the old one a second after the change.
func within(t *testing.T, nodes []*client, key string, before, after int, change func()) {
	t.Helper()
	for _, node := range nodes {
		node.as(key).want(t, before, "GET", "/account", nil)
	}
	change()
	changed := time.Now()
	for n, node := range nodes {
		eventually(t, fmt.Sprintf("node %d answers %d", n, after), func() bool {
			asked := time.Now()
			got := node.as(key).do(t, "GET", "/account", nil)
			if got.status == before && asked.Sub(changed) > time.Second {
				t.Errorf("node %d: still %d after %s", n, before, asked.Sub(changed))
			}
			return got.status == after
		})
	}
}

// eventually asks again and again until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	waitFor(t, patience, what, holds)
}

// waitFor is eventually for what may take longer.
func waitFor(t *testing.T, most time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(most); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, most)
		}
	}
}

// await waits for a record, which stands in the answers under a name, to be in a
// state. After a kill on PostgreSQL the next server first has to find out that nobody
// else leads, so it may take a while.
func (c *client) await(t *testing.T, path, name, state string) (got answer) {
	t.Helper()
	waitFor(t, 6*patience, path+" "+state, func() bool {
		got = c.want(t, 200, "GET", path, nil)
		now := got.at(name, "state")
		if now == "failed" && state != "failed" {
			t.Fatalf("%s has failed: %s", path, got.text)
		}
		return now == state
	})
	return got
}
