// Package input reads what clients send, as loosely as companion-api.md section 1
// ("Loose input") promises, into structs whose fields say whether they were sent.
//
// A request is a struct of [Field]s. Its tags are at once the rules that are
// checked and what huma writes into the OpenAPI document:
//
//	type createFields struct {
//		Name  input.Field[string]      `json:"name" required:"true" maxLength:"255" doc:"Lead name"`
//		Value input.Field[money.Cents] `json:"value" minimum:"0" maximum:"9999999999.99"`
//		Tags  input.Field[[]string]    `json:"tags" itemMaxLength:"50"`
//	}
//
// [Decode] reads a body into such a struct and [Query] a query, whose fields are
// named by `query` tags. Both find all problems at once, in the order of the
// struct's fields and in Laravel's English wording. Embedded structs count as if
// their fields stood in their place.
//
// The types a Field can have: string, bool, int64, money.Cents, calendar.Date,
// calendar.Clock, []string, []int64, [Object], json.RawMessage, and in bodies
// structs of Fields and slices of such structs.
//
// The tags:
//
//	required:"true"       missing, null, "" or an empty array is a problem
//	whenSent:"required"   may be left out, but not be null, "" or an empty array
//	maxLength, enum       of a text or of each text of an array; lengths count Unicode characters
//	format                "email" or "uri" (http and https only), likewise
//	itemMaxLength         maxLength for arrays, named apart because huma's maxLength means the same
//	minItems, maxItems    of an array
//	minimum, maximum      of a number; money in units of the currency, compared before it is rounded
//	doc, example          for the document only
//
// Invariants: a field with a problem is left as if it had not been sent, so that
// no look-up is made with half a value. Every text is valid UTF-8, trimmed and
// without NUL. At most one problem is reported for a field or an item.
package input
