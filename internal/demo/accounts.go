package demo

import (
	"strings"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/authz"
)

// Key is the key in the document's examples. It may do everything.
const Key = "crm_SUA_CHAVE_AQUI"

// The accounts.
const (
	mine      = 1
	theirs    = 2
	suspended = 3
	full      = 4
)

// The users that things are done by.
const (
	ana   = 12
	bruno = 13
)

// before is when the accounts were opened: before anything happened in them.
func before(now time.Time) time.Time {
	opened := now
	if joaoCreated.Before(now) {
		opened = joaoCreated
	}
	return opened.AddDate(0, -6, 0)
}

func accountTables(now time.Time) []table {
	const zone = "America/Sao_Paulo"
	at := before(now)
	return []table{
		{"accounts", "id name plan status max_leads time_zone is_demo created_at updated_at", [][]any{
			{mine, "Minha Empresa", "scale", "active", nil, zone, true, at, at},
			{theirs, "Outra Empresa", "scale", "active", nil, zone, true, at, at},
			{suspended, "Empresa Suspensa", "scale", "suspended", nil, zone, true, at, at},
			{full, "Empresa no Limite", "starter", "active", 3, zone, true, at, at},
		}},
		{"users", "id account_id name email email_key role created_at updated_at", [][]any{
			user(ana, mine, "Ana", "ana@minhaempresa.com.br", authz.Admin, at),
			user(bruno, mine, "Bruno", "bruno@minhaempresa.com.br", authz.Manager, at),
			user(14, mine, "Carla", "carla@minhaempresa.com.br", authz.Viewer, at),
			user(15, theirs, "Daniel", "daniel@outraempresa.com.br", authz.Admin, at),
			user(16, suspended, "Elisa", "elisa@empresasuspensa.com.br", authz.Admin, at),
			user(17, full, "Flávio", "flavio@empresanolimite.com.br", authz.Admin, at),
		}},
	}
}

func user(id, account int64, name, email string, role authz.Role, at time.Time) []any {
	return []any{id, account, name, email, strings.ToLower(email), string(role), at, at}
}

// keyTable holds one key for each answer that depends on the key.
func keyTable(now time.Time) table {
	at, yesterday := before(now), now.AddDate(0, 0, -1)
	var reading []authz.Scope
	for _, scope := range authz.AllScopes() {
		if strings.HasSuffix(string(scope), ":read") {
			reading = append(reading, scope)
		}
	}
	all := authz.AllScopes()
	return table{"api_keys", "id account_id name prefix hash scopes rate_limit expires_at created_at", [][]any{
		key(1, mine, "Chave da documentação", Key, all, 100_000, nil, at),
		key(2, mine, "Somente leitura", "crm_SOMENTE_LEITURA", reading, nil, nil, at),
		key(3, mine, "Cinco por minuto", "crm_LIMITADA", all, 5, nil, at),
		key(4, mine, "Expirada", "crm_EXPIRADA", all, nil, yesterday, at),
		key(5, theirs, "Outra conta", "crm_OUTRA_CONTA", all, nil, nil, at),
		key(6, suspended, "Conta inativa", "crm_CONTA_INATIVA", all, nil, nil, at),
		key(7, full, "Plano cheio", "crm_PLANO_CHEIO", all, nil, nil, at),
	}}
}

func key(id, account int64, name, plain string, scopes []authz.Scope, limit, expires any, at time.Time) []any {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return []any{id, account, name, accounts.KeyPrefix(plain), accounts.HashKey(plain), strings.Join(names, " "), limit, expires, at}
}
