package accounts

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
)

// Routes declares the part of the API that is about the account itself
// (companion-api.md section 6).
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/account", Scope: authz.UsersRead,
		ID: "getAccount", Tag: "Account", Summary: "Show the account",
		Description: "The account that the key belongs to.",
	}, s.show)
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/users", Scope: authz.UsersRead,
		ID: "listUsers", Tag: "Account", Summary: "List users",
		Description: "All users of the account, by id. Leads and tasks are assigned to them.",
	}, s.list)
}

type accountAnswer struct {
	Success bool        `json:"success" doc:"Always true." example:"true"`
	Account accountItem `json:"account" doc:"The account."`
}

type accountItem struct {
	ID   int64  `json:"id" doc:"Identifier of the account." example:"1"`
	Name string `json:"name" doc:"Its name." example:"Minha Empresa"`
	Plan string `json:"plan" doc:"The plan it is on." example:"scale"`
}

type userItem struct {
	ID    int64      `json:"id" doc:"Identifier of the user." example:"12"`
	Name  string     `json:"name" doc:"Name of the user." example:"Ana"`
	Email string     `json:"email" doc:"Email, unique in the account." example:"ana@minhaempresa.com.br"`
	Role  authz.Role `json:"role" enum:"admin,manager,viewer" doc:"What the user may do." example:"admin"`
}

func (s *Service) show(ctx context.Context, c *api.Call) (accountAnswer, error) {
	account, err := s.Get(ctx, c.Actor)
	if err != nil {
		return accountAnswer{}, err
	}
	return accountAnswer{true, accountItem{account.ID, account.Name, account.Plan}}, nil
}

func (s *Service) list(ctx context.Context, c *api.Call) (api.List[userItem], error) {
	users, err := s.ListUsers(ctx, c.Actor)
	if err != nil {
		return api.List[userItem]{}, err
	}
	items := make([]userItem, len(users))
	for i, u := range users {
		items[i] = userItem(u)
	}
	return api.ListOf(items), nil
}
