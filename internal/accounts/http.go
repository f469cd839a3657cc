package accounts

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/input"
)

const (
	sectionAccount = "Account"
	sectionUsers   = "Users"
	sectionKeys    = "API keys"
)

// Routes declares the part of the API that is about the account itself
// (companion-api.md section 6).
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/account", Scope: authz.UsersRead,
		ID: "getAccount", Tag: sectionAccount, Summary: "Show the account",
		Description: "The account that the key belongs to.",
	}, s.show)
	s.routesOfSettings(r)
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/users", Scope: authz.UsersRead,
		ID: "listUsers", Tag: sectionUsers, Summary: "List users",
		Description: "All users of the account, by id. Leads and tasks are assigned to them.",
	}, s.list)
	s.routesOfUsers(r)
	s.routesOfKeys(r)
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

func itemOf(u User) userItem { return userItem{u.ID, u.Name, u.Email, u.Role} }

type userAnswer struct {
	Success bool       `json:"success" doc:"Always true." example:"true"`
	User    userDetail `json:"user" doc:"The user."`
}

type userDetail struct {
	userItem
	Scopes    []authz.Scope     `json:"scopes" nullable:"false" doc:"What the role allows: a key that acts as this user has no other scopes." example:"[\"leads:read\",\"tasks:read\"]"`
	IsActive  bool              `json:"is_active" doc:"False for a deleted user, whose name stays on what he has done." example:"true"`
	CreatedAt calendar.Instant  `json:"created_at" doc:"When the user was made."`
	DeletedAt *calendar.Instant `json:"deleted_at" doc:"When the user was deleted; null while he is active."`
}

func answerOf(u User, err error) (userAnswer, error) {
	return userAnswer{true, userDetail{itemOf(u), u.Role.Scopes(), u.Deleted == nil, calendar.Instant{Time: u.Created}, calendar.InstantOf(u.Deleted)}}, err
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
		items[i] = itemOf(u)
	}
	return api.ListOf(items), nil
}

var lastAdminRefusal = api.Refusal{
	Status: http.StatusUnprocessableEntity, When: "It is the account's last admin.",
	Example: map[string]any{"message": lastAdmin},
}

func (s *Service) routesOfUsers(r *api.Router) {
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/users", Scope: authz.UsersWrite, ID: "createUser", Tag: sectionUsers, Summary: "Create a user", Created: true,
		Description: "Adds a user, to whom leads and tasks can be assigned and who keys can act as.",
		BodyExample: map[string]any{"name": "Bruno", "email": "bruno@minhaempresa.com.br", "role": "manager"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[UserFields]) (userAnswer, error) {
		return answerOf(s.AddUser(ctx, c.Actor, form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/users/{id}", Scope: authz.UsersRead, ID: "getUser", Tag: sectionUsers, Summary: "Fetch a user",
		Description: "Gives one user, also a deleted one, whom the history goes on to name.",
	}, func(ctx context.Context, c *api.Call) (userAnswer, error) {
		return answerOf(s.GetUser(ctx, c.Actor, c.ID("id")))
	})
	update := func(ctx context.Context, c *api.Call, form *input.Form[UserChanges]) (userAnswer, error) {
		return answerOf(s.UpdateUser(ctx, c.Actor, c.ID("id"), form))
	}
	api.HandleUpdate(r, api.Route{
		Path: "/users/{id}", Scope: authz.UsersWrite, Tag: sectionUsers, ID: "updateUser", Summary: "Update a user",
		Description: "Changes only what is sent. Keys that act as the user follow the new role at once. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"role": "viewer"}, Refusals: []api.Refusal{lastAdminRefusal},
	}, update)
	api.HandleQuery(r, api.Route{
		Method: http.MethodDelete, Path: "/users/{id}", Scope: authz.UsersWrite, ID: "deleteUser", Tag: sectionUsers, Summary: "Delete a user",
		Description: "Takes a user out of the account. Leads, pending tasks and conversations go to `reassign_to`; above 5000 of them they have to be given away before. Keys that act as the user are revoked; the name stays in the history.",
		Refusals: []api.Refusal{lastAdminRefusal, {
			Status: http.StatusUnprocessableEntity, When: "The user owns something, and `reassign_to` is not sent.",
			Example: map[string]any{
				"message": "O usuário possui 12 leads, 3 tarefas pendentes. Informe em reassign_to quem os recebe, ou null para ninguém.",
				"leads":   12, "tasks": 3, "conversations": 0,
			},
		}},
	}, func(ctx context.Context, c *api.Call, query LeavingQuery) (api.Done, error) {
		return api.Done{Success: true}, s.DeleteUser(ctx, c.Actor, c.ID("id"), query)
	})
}
