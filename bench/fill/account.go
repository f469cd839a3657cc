package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/pipelines"
	"syncro/internal/setup"
)

// What the data set of the bench directory counts on.
const (
	accountID  = 1
	users      = 20
	ways       = 3 // pipelines
	stagesEach = 5
)

var errNotEmpty = errors.New("the database has accounts already: fill makes one in an empty database")

// makeAccount makes all that leads refer to and returns an API key.
func makeAccount(ctx context.Context, a *app.App) (key string, err error) {
	existing, err := a.Accounts.List(ctx)
	if err != nil {
		return "", err
	}
	if len(existing) > 0 {
		return "", errNotEmpty
	}
	nothing := func(*db.Tx, authz.Actor) error { return nil }
	if _, err := a.Accounts.Create(ctx, accounts.NewAccount{Name: "Bench", AdminName: userName(1), AdminEmail: userEmail(1)}, nothing); err != nil {
		return "", err
	}
	for i := 2; i <= users; i++ {
		if _, err := a.Accounts.CreateUser(ctx, accountID, accounts.NewUser{Name: userName(i), Email: userEmail(i), Role: authz.Manager}); err != nil {
			return "", err
		}
	}
	file, err := setup.Parse([]byte(arrangement()))
	if err != nil {
		return "", err
	}
	if _, err := a.Setup.Apply(ctx, accountID, file); err != nil {
		return "", err
	}
	if err := checkIDs(ctx, a); err != nil {
		return "", err
	}
	limit := int64(1_000_000_000)
	_, key, err = a.Accounts.CreateKey(ctx, accountID, accounts.NewKey{Name: "bench", Scopes: authz.AllScopes(), RateLimit: &limit})
	return key, err
}

func userName(i int) string  { return fmt.Sprintf("Vendedor %02d", i) }
func userEmail(i int) string { return fmt.Sprintf("vendedor%02d@exemplo.com.br", i) }

// arrangement is the account's setup file.
func arrangement() string {
	var lines []string
	for p := 1; p <= ways; p++ {
		var stages []string
		for s := 1; s <= stagesEach; s++ {
			stages = append(stages, fmt.Sprintf(`{"name":"Etapa %d"}`, (p-1)*stagesEach+s))
		}
		lines = append(lines, fmt.Sprintf(`{"name":"Funil %d","stages":[%s]}`, p, strings.Join(stages, ",")))
	}
	return `{"pipelines":[` + strings.Join(lines, ",") + `],"custom_fields":[{"name":"tamanho_empresa","label":"Tamanho da empresa",
		"type":"select","options":["1-10","11-50","51-200","201-500","500+"]}]}`
}

// checkIDs makes sure that the setup got the ids that the workloads name.
func checkIDs(ctx context.Context, a *app.App) error {
	board, err := a.Pipelines.Board(ctx, authz.Actor{AccountID: accountID})
	if err != nil {
		return err
	}
	for id := int64(1); id <= ways*stagesEach; id++ {
		stage, ok := board.Stage(id)
		if !ok || stage.Name != fmt.Sprintf("Etapa %d", id) || stage.PipelineID != (id-1)/stagesEach+1 || stage.Kind != pipelines.Open {
			return fmt.Errorf("stage %d is not what the workloads take it for", id)
		}
	}
	return nil
}
