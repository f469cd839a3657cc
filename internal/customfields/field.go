package customfields

// Type is the kind of value a field holds.
type Type string

// The types that companion-api.md section 4 lists.
const (
	Text        Type = "text"
	Number      Type = "number"
	Currency    Type = "currency"
	Date        Type = "date"
	Select      Type = "select"
	Multiselect Type = "multiselect"
	Checkbox    Type = "checkbox"
	Textarea    Type = "textarea"
	URL         Type = "url"
	Phone       Type = "phone"
	Email       Type = "email"
)

// Field is a definition, in the shape the API shows it. Its options are trimmed,
// not empty, and there are some only where the type is a select or a multiselect.
type Field struct {
	ID         int64    `json:"id" example:"1" doc:"Identifier, never reused"`
	Name       string   `json:"name" example:"tamanho_empresa" doc:"Key of the value in a lead's custom_fields"`
	Label      string   `json:"label" example:"Tamanho da empresa" doc:"What people see"`
	Type       Type     `json:"field_type" enum:"text,number,currency,date,select,multiselect,checkbox,textarea,url,phone,email" example:"select" doc:"Kind of value"`
	Options    []string `json:"options" nullable:"false" example:"[\"1-10\",\"11-50\"]" doc:"Choices of a select or multiselect, else empty"`
	Required   bool     `json:"is_required" example:"false" doc:"Whether the panel insists on a value; the API does not"`
	Active     bool     `json:"is_active" example:"true" doc:"Whether the field is in use; values of others are ignored and not shown"`
	ShowOnCard bool     `json:"show_on_card" example:"true" doc:"Whether the board shows the value on a lead's card"`
	SortOrder  int      `json:"sort_order" example:"1" doc:"Place among the fields, ascending"`

	phoneRegion string // the account's
}
