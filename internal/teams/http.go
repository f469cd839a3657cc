package teams

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Users"

type answer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Team    Team `json:"team" doc:"The team."`
}

func shown(t Team, err error) (answer, error) { return answer{true, t}, err }

// Routes declares the operations on teams.
func (s *Service) Routes(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/teams", Scope: authz.UsersRead, ID: "listTeams", Tag: section, Summary: "List teams",
		Description: "All teams of the account with their members, by name.",
	}, func(ctx context.Context, c *api.Call) (api.List[Team], error) {
		teams, err := s.List(ctx, c.Actor)
		return api.ListOf(teams), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/teams", Scope: authz.UsersWrite, ID: "createTeam", Tag: section, Summary: "Create a team", Created: true,
		Description: "Makes a team, to which leads can be given in turn.",
		BodyExample: map[string]any{"name": "Vendas internas", "user_ids": []int{12, 14}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[Fields]) (answer, error) {
		return shown(s.Create(ctx, c.Actor, form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/teams/{id}", Scope: authz.UsersRead, ID: "getTeam", Tag: section, Summary: "Fetch a team",
		Description: "Gives one team with its members.",
	}, func(ctx context.Context, c *api.Call) (answer, error) {
		return shown(s.Get(ctx, c.Actor, c.ID("id")))
	})
	update := func(ctx context.Context, c *api.Call, form *input.Form[Changes]) (answer, error) {
		return shown(s.Update(ctx, c.Actor, c.ID("id"), form))
	}
	api.HandleUpdate(r, api.Route{
		Path: "/teams/{id}", Scope: authz.UsersWrite, Tag: section, ID: "updateTeam", Summary: "Update a team",
		Description: "Changes only what is sent; `user_ids` replaces the members. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"user_ids": []int{12, 14, 15}},
	}, update)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/teams/{id}", Scope: authz.UsersWrite, ID: "deleteTeam", Tag: section, Summary: "Delete a team",
		Description: "Removes the team. Leads stay with the users who got them.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"))
	})
	api.Handle(r, api.Route{
		Method: http.MethodPut, Path: "/teams/{id}/members/{user_id}", Scope: authz.UsersWrite, ID: "addTeamMember", Tag: section, Summary: "Add a member",
		Description: "Puts a user into the team, who may be there already.",
	}, func(ctx context.Context, c *api.Call) (answer, error) {
		return shown(s.Join(ctx, c.Actor, c.ID("id"), c.ID("user_id")))
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/teams/{id}/members/{user_id}", Scope: authz.UsersWrite, ID: "removeTeamMember", Tag: section, Summary: "Remove a member",
		Description: "Takes a user out of the team. The leads that he got stay his.",
	}, func(ctx context.Context, c *api.Call) (answer, error) {
		return shown(s.Leave(ctx, c.Actor, c.ID("id"), c.ID("user_id")))
	})
}
