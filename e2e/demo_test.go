package e2e

import (
	"testing"

	"syncro/internal/db/pgtest"
)

// The keys of the demo (demo-account.md).
const (
	everything = "crm_SUA_CHAVE_AQUI"
	readOnly   = "crm_SOMENTE_LEITURA"
	limited    = "crm_LIMITADA"
	expired    = "crm_EXPIRADA"
	foreign    = "crm_OUTRA_CONTA"
	suspended  = "crm_CONTA_INATIVA"
	full       = "crm_PLANO_CHEIO"
)

// Stages of the demo's account 1. Those from onboarding on are of pipeline 3.
const (
	prospecting = 4
	proposal    = 5
	negotiation = 7
	documents   = 8 // demands a task
	won         = 10
	lost        = 11
	onboarding  = 20
	renewed     = 22 // won
)

// crowd is how many tests with processes of their own may run at the same moment,
// on machines with many cores.
var crowd = make(chan struct{}, 6)

// engine is a kind of database.
type engine string

const (
	sqlite   engine = "sqlite"
	postgres engine = "postgres"
)

// url gives an empty database: a file in the directory that a process is started
// in, or a schema of its own.
func (e engine) url(t testing.TB) string {
	t.Helper()
	if e == postgres {
		return pgtest.URL(t)
	}
	return "sqlite:e2e.db"
}

// onEach runs a test on both engines, at the same time as other tests.
func onEach(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	t.Parallel()
	for _, e := range []engine{sqlite, postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			crowd <- struct{}{}
			t.Cleanup(func() { <-crowd })
			test(t, e)
		})
	}
}

// onDemo runs a test on a fresh demo of each engine.
func onDemo(t *testing.T, test func(t *testing.T, c *client)) {
	t.Helper()
	onEach(t, func(t *testing.T, e engine) {
		t.Helper()
		test(t, freshDemo(t, e))
	})
}

func freshDemo(t *testing.T, e engine) *client {
	t.Helper()
	dir, url := t.TempDir(), e.url(t)
	return &client{base: "http://" + start(t, dir, "demo", "--database", url).addr, key: everything}
}
