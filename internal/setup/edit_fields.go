package setup

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// FieldFields are the body of POST /custom-fields.
type FieldFields struct {
	Name       input.Field[string]   `json:"name" required:"true" maxLength:"100" doc:"Key of the value in a lead's custom_fields: letters a to z, digits, _ and -, beginning with a letter. Unique in the account whatever its case." example:"tamanho_empresa"`
	Label      input.Field[string]   `json:"label" maxLength:"255" doc:"What people see (default made of the name)." example:"Tamanho da empresa"`
	Type       input.Field[string]   `json:"field_type" required:"true" enum:"text,number,currency,date,select,multiselect,checkbox,textarea,url,phone,email" doc:"Kind of value." example:"select"`
	Options    input.Field[[]string] `json:"options" maxItems:"500" itemMaxLength:"255" doc:"Choices of a select or multiselect, which must have some; nothing else has any." example:"[\"1-10\",\"11-50\"]"`
	Required   input.Field[bool]     `json:"is_required" doc:"Whether the panel insists on a value (default false)." example:"false"`
	Active     input.Field[bool]     `json:"is_active" doc:"Whether the field is in use (default true)." example:"true"`
	ShowOnCard input.Field[bool]     `json:"show_on_card" doc:"Whether the board shows the value on a lead's card (default false)." example:"true"`
}

// FieldChanges are the body of PUT /custom-fields/{id}.
type FieldChanges struct {
	Name       input.Field[string]   `json:"name" whenSent:"required" maxLength:"100" doc:"Key of the value in a lead's custom_fields. Leads keep their values under the new name." example:"tamanho_empresa"`
	Label      input.Field[string]   `json:"label" whenSent:"required" maxLength:"255" doc:"What people see." example:"Tamanho da empresa"`
	Type       input.Field[string]   `json:"field_type" whenSent:"required" enum:"text,number,currency,date,select,multiselect,checkbox,textarea,url,phone,email" doc:"Kind of value. It changes only if every lead's value can be converted." example:"select"`
	Options    input.Field[[]string] `json:"options" maxItems:"500" itemMaxLength:"255" doc:"All choices, in place of those there are. One that leads have chosen cannot be left out." example:"[\"1-10\",\"11-50\",\"51-200\"]"`
	Required   input.Field[bool]     `json:"is_required" whenSent:"required" doc:"Whether the panel insists on a value." example:"false"`
	Active     input.Field[bool]     `json:"is_active" whenSent:"required" doc:"Whether the field is in use. The values of one that is not are kept, hidden." example:"true"`
	ShowOnCard input.Field[bool]     `json:"show_on_card" whenSent:"required" doc:"Whether the board shows the value on a lead's card." example:"true"`
}

// DeleteFieldQuery confirms what the removal of a field loses.
type DeleteFieldQuery struct {
	DiscardValues input.Field[bool] `query:"discard_values" doc:"Whether the values that leads have in the field may be lost." example:"true"`
}

// maxRevalued is how many leads' values one request converts or discards.
const maxRevalued = 20000

// CreateField adds a custom field behind the others.
func (e *Editor) CreateField(ctx context.Context, actor authz.Actor, form *input.Form[FieldFields]) (f customfields.Field, err error) {
	err = e.editFields(ctx, actor, func(tx *db.Tx, fields []customfields.Field) error {
		sent := form.Fields
		f = customfields.Field{
			Name: sent.Name.Value, Label: spoken(sent.Name.Value), Type: customfields.Type(sent.Type.Value), Options: append([]string{}, sent.Options.Value...),
			Required: sent.Required.Value, Active: true, ShowOnCard: sent.ShowOnCard.Value, SortOrder: 1,
		}
		assign(&f.Label, sent.Label)
		assign(&f.Active, sent.Active)
		if len(fields) > 0 {
			f.SortOrder = fields[len(fields)-1].SortOrder + 1
		}
		problems := form.Problems.Clone()
		checkField(f, fields, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		f.ID, err = customfields.Add(tx, actor.AccountID, f)
		return err
	})
	return f, err
}

// checkField adds what the form's own rules do not see.
func checkField(f customfields.Field, fields []customfields.Field, problems *faults.Bag) {
	if f.Name != "" && !problems.Has("name") && !fieldName.MatchString(f.Name) {
		problems.Add("name", "The name field format is invalid.")
	}
	if slices.ContainsFunc(fields, func(o customfields.Field) bool { return o.ID != f.ID && key(o.Name) == key(f.Name) }) {
		taken(problems)
	}
	switch {
	case problems.Has("options") || problems.Has("field_type"):
	case f.Type.HasOptions() && len(f.Options) == 0:
		problems.Required("options")
	case !f.Type.HasOptions() && len(f.Options) > 0:
		problems.Add("options", "The options field is prohibited for this field type.")
	}
	seen := map[string]bool{}
	for i, option := range f.Options {
		member := "options." + strconv.Itoa(i)
		switch {
		case option == "":
			problems.Add(member, "The "+member+" field is required.")
		case seen[key(option)]:
			problems.Add(member, "The "+member+" field has a duplicate value.")
		}
		seen[key(option)] = true
	}
}

// UpdateField changes what is sent of a custom field. Another type, or other options,
// must suit the values that leads have: these are converted with it, or it is refused
// with the number of those that cannot be.
func (e *Editor) UpdateField(ctx context.Context, actor authz.Actor, id int64, form *input.Form[FieldChanges]) (f customfields.Field, err error) {
	err = e.editFields(ctx, actor, func(tx *db.Tx, fields []customfields.Field) error {
		at := slices.IndexFunc(fields, func(f customfields.Field) bool { return f.ID == id })
		if at < 0 {
			return unknownField()
		}
		before, sent := fields[at], form.Fields
		f = before
		assign(&f.Name, sent.Name)
		assign(&f.Label, sent.Label)
		assign(&f.Required, sent.Required)
		assign(&f.Active, sent.Active)
		assign(&f.ShowOnCard, sent.ShowOnCard)
		if sent.Type.Given() {
			f.Type = customfields.Type(sent.Type.Value)
			if !f.Type.HasOptions() {
				f.Options = []string{}
			}
		}
		if sent.Options.Sent {
			f.Options = append([]string{}, sent.Options.Value...)
		}
		problems := form.Problems.Clone()
		checkField(f, fields, &problems)
		if err := with(form, problems); err != nil {
			return err
		}
		if f.Type != before.Type || !slices.Equal(f.Options, before.Options) {
			if err := convert(tx, actor, before, f); err != nil {
				return err
			}
		}
		return customfields.Update(tx, actor.AccountID, f)
	})
	return f, err
}

// convert brings the values of leads to what a field is to be.
func convert(tx *db.Tx, actor authz.Actor, before, after customfields.Field) error {
	done, err := leads.Revalue(tx, actor, after.ID, maxRevalued, after.Convert)
	if err != nil {
		return err
	}
	if done.Leads > maxRevalued {
		return tooMany(done.Leads)
	}
	if done.Failed == 0 {
		return nil
	}
	member := "options"
	if before.Type != after.Type {
		member = "field_type"
	}
	var problems faults.Bag
	problems.Addf(member, "The %s field does not suit the values of %d leads: %s", faults.Spoken(member), done.Failed, strings.TrimPrefix(done.Problem, "The "))
	return problems.Err()
}

func tooMany(n int64) error {
	return inUse("O campo tem valores em leads demais para uma só requisição: desative-o, ou remova antes os valores com ações em massa.", "leads", n)
}

// OrderCustomFields puts the custom fields into an order.
func (e *Editor) OrderCustomFields(ctx context.Context, actor authz.Actor, form *input.Form[OrderFields]) error {
	return e.editFields(ctx, actor, func(tx *db.Tx, fields []customfields.Field) error {
		ids, err := ordered(form, collect(fields, func(f customfields.Field) int64 { return f.ID }))
		if err != nil {
			return err
		}
		for _, f := range fields {
			f.SortOrder = slices.Index(ids, f.ID) + 1
			if err := customfields.Update(tx, actor.AccountID, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteField removes a custom field. While leads have values in it, that must be
// confirmed; to switch the field off loses nothing.
func (e *Editor) DeleteField(ctx context.Context, actor authz.Actor, id int64, query DeleteFieldQuery) error {
	return e.editFields(ctx, actor, func(tx *db.Tx, fields []customfields.Field) error {
		if !slices.ContainsFunc(fields, func(f customfields.Field) bool { return f.ID == id }) {
			return unknownField()
		}
		limit := int64(0)
		if query.DiscardValues.Value {
			limit = maxRevalued
		}
		discard := func(json.RawMessage) (json.RawMessage, bool, string) { return nil, true, "" }
		done, err := leads.Revalue(tx, actor, id, limit, discard)
		switch {
		case err != nil:
			return err
		case done.Leads > 0 && limit == 0:
			return inUse("O campo tem valores em leads: desative-o, ou confirme com discard_values=true que podem ser perdidos.", "leads", done.Leads)
		case done.Leads > limit:
			return tooMany(done.Leads)
		}
		return customfields.Remove(tx, actor.AccountID, id)
	})
}
