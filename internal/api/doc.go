// Package api is the HTTP side that all features share: routes declared once,
// keys and scopes, the rate limit, safe retries, refusals as JSON, and the
// OpenAPI document made from the same declarations.
//
// # A route
//
// A feature declares its routes in its http.go with one of three functions,
// after what a request carries besides its path:
//
//	api.Handle(r, route, func(ctx, c *api.Call) (Answer, error))
//	api.HandleQuery(r, route, func(ctx, c *api.Call, query Filters) (Answer, error))
//	api.HandleBody(r, route, func(ctx, c *api.Call, form *input.Form[Fields]) (Answer, error))
//
// The [Call] holds the [authz.Actor], the path's values and the precondition. The
// answer is any type with json tags; it may write itself ([Appender]), carry a
// version ([Versioned]) and tell that it was created ([Creation]). One that is no
// JSON, but a file, is an [http.Handler] that writes itself as it comes.
//
// # The order of checks
//
// As companion-api.md section 1 has it: the key, its account, the scope, the rate
// limit; then the handler, which finds the record of the path, tests the plan's
// limit and only then asks the form what is wrong with the body. That is why a
// form reaches the handler with its problems, and why bodies are not validated by
// huma, whose model of OpenAPI and of JSON Schema is used for the document.
package api
