package scoring

import (
	"encoding/json"
	"slices"
	"strings"

	"syncro/internal/leads"
)

// LeadField tells whether a condition about a lead can compare a field, whatever
// the custom fields that the account has.
func LeadField(name string) bool {
	custom, ok := strings.CutPrefix(name, customField)
	return slices.Contains([]string{fieldSource, fieldValue, fieldTag, fieldHasEmail, fieldHasCompany, fieldHasPhone}, name) || (ok && custom != "")
}

// ValuesOf are the values that a field of a lead has: none, one, or several.
// custom are its custom fields by name, as the API shows them.
func ValuesOf(l *leads.Lead, custom json.RawMessage, field string) []string {
	h := happening{lead: l, custom: custom}
	return h.values(field)
}

// Holds compares the values of a field with that of a condition, by the rules of
// section 10; conditions of sequences (section 7) follow them, too.
func (o Operator) Holds(values []string, wanted string) bool { return o.holds(values, wanted) }
