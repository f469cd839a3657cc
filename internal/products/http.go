package products

import (
	"context"
	"net/http"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
)

const section = "Products"

type answer struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	Product Product `json:"product" doc:"The product."`
}

type lineAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Line    Line `json:"product" doc:"The product as the lead has it."`
}

type listQuery struct {
	Filter
	api.PageQuery
}

// Routes declares the operations on products and on what leads have of them.
func (s *Service) Routes(r *api.Router) {
	api.HandleQuery(r, api.Route{
		Method: http.MethodGet, Path: "/products", Scope: authz.ProductsRead, ID: "listProducts", Tag: section, Summary: "List products",
		Description: "The products of the account, by id.",
	}, func(ctx context.Context, c *api.Call, query listQuery) (api.PagedList[Product], error) {
		page := query.Asked()
		products, total, err := s.List(ctx, c.Actor, query.Filter, page.Size, page.Offset())
		return api.PageOf(products, page, total), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/products", Scope: authz.ProductsWrite, ID: "createProduct", Tag: section, Summary: "Create a product", Created: true,
		Description: "Makes a product, which leads can have.", BodyExample: map[string]any{"name": "Licença Pro", "price": 450},
	}, func(ctx context.Context, c *api.Call, form *input.Form[Fields]) (answer, error) {
		p, err := s.Create(ctx, c.Actor, form)
		return answer{true, p}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/products/{id}", Scope: authz.ProductsRead, ID: "getProduct", Tag: section, Summary: "Fetch a product",
		Description: "Gives one product.",
	}, func(ctx context.Context, c *api.Call) (answer, error) {
		p, err := s.Get(ctx, c.Actor, c.ID("id"))
		return answer{true, p}, err
	})
	update := func(ctx context.Context, c *api.Call, form *input.Form[Changes]) (answer, error) {
		p, err := s.Update(ctx, c.Actor, c.ID("id"), form)
		return answer{true, p}, err
	}
	api.HandleUpdate(r, api.Route{
		Path: "/products/{id}", Scope: authz.ProductsWrite, Tag: section, ID: "updateProduct", Summary: "Update a product",
		Description: "Changes only what is sent; what leads have of it stays as it was added. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"price": 480},
	}, update)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/products/{id}", Scope: authz.ProductsWrite, ID: "deleteProduct", Tag: section, Summary: "Delete a product",
		Description: "Removes a product that no lead has; one in use is deactivated instead (`is_active` false).",
		Refusals:    []api.Refusal{{Status: http.StatusUnprocessableEntity, When: "Leads have the product.", Example: map[string]any{"message": inUse}}},
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"))
	})
	s.routesOfLines(r)
}

func (s *Service) routesOfLines(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/leads/{id}/products", Scope: authz.LeadsRead, ID: "listLeadProducts", Tag: section, Summary: "List the products of a lead",
		Description: "What the lead has of products, in order of adding.",
	}, func(ctx context.Context, c *api.Call) (api.List[Line], error) {
		lines, err := s.Lines(ctx, c.Actor, c.ID("id"))
		return api.ListOf(lines), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/leads/{id}/products", Scope: authz.LeadsWrite, ID: "addLeadProduct", Tag: section, Summary: "Add a product to a lead", Created: true,
		Description: "Adds a product with its name and price as they are now. It changes neither the lead's value nor its `updated_at`.",
		BodyExample: map[string]any{"product_id": 1, "quantity": 2, "discount_percent": 12.5},
	}, func(ctx context.Context, c *api.Call, form *input.Form[LineFields]) (lineAnswer, error) {
		l, err := s.AddLine(ctx, c.Actor, c.ID("id"), form)
		return lineAnswer{true, l}, err
	})
	change := func(ctx context.Context, c *api.Call, form *input.Form[LineChanges]) (lineAnswer, error) {
		l, err := s.ChangeLine(ctx, c.Actor, c.ID("id"), c.ID("line_id"), form)
		return lineAnswer{true, l}, err
	}
	api.HandleUpdate(r, api.Route{
		Path: "/leads/{id}/products/{line_id}", Scope: authz.LeadsWrite, Tag: section, ID: "updateLeadProduct", Summary: "Update a product of a lead",
		Description: "Changes only what is sent. `line_id` is the `id` of the lead's product. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"quantity": 3},
	}, change)
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/leads/{id}/products/{line_id}", Scope: authz.LeadsWrite, ID: "removeLeadProduct", Tag: section, Summary: "Remove a product from a lead",
		Description: "Takes the product out of the lead.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.RemoveLine(ctx, c.Actor, c.ID("id"), c.ID("line_id"))
	})
}
