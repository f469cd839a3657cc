package dbtest

import (
	"testing"
	"time"
	_ "time/tzdata" // machines without a zone database test day logic too

	"syncro/internal/authz"
	"syncro/internal/db"
)

// Exec runs a statement in a transaction of its own.
func Exec(tb testing.TB, d *db.DB, sql string, args ...any) {
	tb.Helper()
	if err := d.Write(tb.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(sql, args...)
		return err
	}); err != nil {
		tb.Fatalf("%.80s…: %v", sql, err)
	}
}

// Account makes the account n with what most features refer to, under ids that
// follow from n: users n1 Ana (admin) and n2 Bruno (manager), pipeline n Vendas
// and its stage n1 Proposta. The actor is Ana.
func Account(tb testing.TB, d *db.DB, clock *Clock, n int64) authz.Actor {
	tb.Helper()
	const zone = "America/Sao_Paulo"
	location, err := time.LoadLocation(zone)
	if err != nil {
		tb.Fatal(err)
	}
	now := clock.Now()
	Exec(tb, d, `INSERT INTO accounts (id, name, plan, status, time_zone, created_at, updated_at)
		VALUES ($1, 'Empresa', 'scale', 'active', $2, $3, $3)`, n, zone, now)
	Exec(tb, d, `INSERT INTO users (id, account_id, name, email, email_key, role, created_at, updated_at)
		VALUES ($1, $2, 'Ana', 'ana@a.br', 'ana@a.br', 'admin', $4, $4), ($3, $2, 'Bruno', 'bruno@a.br', 'bruno@a.br', 'manager', $4, $4)`,
		10*n+1, n, 10*n+2, now)
	Exec(tb, d, `INSERT INTO pipelines (id, account_id, name, sort_order, created_at, updated_at) VALUES ($1, $1, 'Vendas', 1, $2, $2)`, n, now)
	Exec(tb, d, `INSERT INTO stages (id, account_id, pipeline_id, name, color, kind, probability, sort_order, created_at, updated_at)
		VALUES ($1, $2, $2, 'Proposta', '#4ECDC4', 'open', 50, 1, $3, $3)`, 10*n+1, n, now)
	return authz.Actor{AccountID: n, UserID: 10*n + 1, Scopes: authz.AllScopes(), Location: location}
}

// Lead makes a lead of an account made by [Account], in its stage.
func Lead(tb testing.TB, d *db.DB, clock *Clock, actor authz.Actor, id int64, name string) {
	tb.Helper()
	Exec(tb, d, `INSERT INTO leads (id, account_id, name, name_key, pipeline_id, stage_id, stage_since, search_text, search_phone, created_at, updated_at)
		VALUES ($1, $2, $3, $3, $2, $4, $5, $3, '', $5, $5)`, id, actor.AccountID, name, 10*actor.AccountID+1, clock.Now())
}
