package messaging

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
)

// Template is a message template as the list shows it.
type Template struct {
	ID             int64      `json:"id" doc:"Template id." example:"1"`
	InstanceID     int64      `json:"instance_id" doc:"Number it belongs to." example:"2"`
	Name           string     `json:"name" doc:"Its name at the provider." example:"lembrete_proposta"`
	Language       string     `json:"language" doc:"Language code." example:"pt_BR"`
	Category       string     `json:"category" doc:"Category at the provider." example:"UTILITY"`
	Status         string     `json:"status" enum:"APPROVED,PENDING,REJECTED,PAUSED,DISABLED" doc:"State at the provider; only approved ones can be sent." example:"APPROVED"`
	Body           string     `json:"body" doc:"The text, with numbered variables." example:"Olá {{1}}, sua {{2}} vence em {{3}}."`
	VariablesCount int64      `json:"variables_count" doc:"How many variables the text has." example:"3"`
	HeaderType     string     `json:"header_type" doc:"What stands above the text." example:"none"`
	Components     Components `json:"components" doc:"The parts of the template, as the provider has them."`
}

// Components are the parts of a template, an array of objects in JSON.
type Components string

const templateColumns = `id, instance_id, name, language, category, status, body, variables_count, header_type, components`

// places are where templateColumns are read into.
func (t *Template) places() []any {
	return []any{&t.ID, &t.InstanceID, &t.Name, &t.Language, &t.Category, &t.Status, &t.Body, &t.VariablesCount, &t.HeaderType, &t.Components}
}

// approved is the state in which a template can be sent.
const approved = "APPROVED"

// needsMedium tells whether an image, a video or a document stands above the text,
// whose address comes with each message.
func (t *Template) needsMedium() bool {
	return slices.Contains([]string{"image", "video", "document"}, t.HeaderType)
}

// Fill is the text with values for its variables, {{1}} being the first. A
// variable without a value stays as it is.
func (t *Template) Fill(variables []string) string {
	pairs := make([]string, 0, 2*len(variables))
	for i, value := range variables {
		pairs = append(pairs, fmt.Sprintf("{{%d}}", i+1), value)
	}
	return strings.NewReplacer(pairs...).Replace(t.Body)
}

// findTemplate reads a template; the error for none is [db.ErrNoRows].
func findTemplate(q db.Querier, actor authz.Actor, id int64) (*Template, error) {
	t := &Template{}
	if err := db.Get(q.Query(`SELECT `+templateColumns+` FROM whatsapp_templates WHERE account_id = $1 AND id = $2`, actor.AccountID, id), t.places()...); err != nil {
		return nil, fmt.Errorf("reading a template: %w", err)
	}
	return t, nil
}

// MarshalJSON writes the components as they are.
func (c Components) MarshalJSON() ([]byte, error) { return []byte(c), nil }

// Schema describes the components for the OpenAPI document.
func (Components) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}
}

// TemplateFilter says which templates a list holds; what is not given does not
// restrict it.
type TemplateFilter struct {
	InstanceID input.Field[int64]  `query:"instance_id" doc:"Templates of this number." example:"2"`
	Status     input.Field[string] `query:"status" enum:"APPROVED,PENDING,REJECTED,PAUSED,DISABLED" doc:"Templates in this state." example:"APPROVED"`
	Language   input.Field[string] `query:"language" doc:"Templates in this language." example:"pt_BR"`
}

// Templates gives the templates of a filter, by id.
func (s *Service) Templates(ctx context.Context, actor authz.Actor, f TemplateFilter) (templates []Template, err error) {
	var where strings.Builder
	args := []any{actor.AccountID}
	add := func(given bool, column string, value any) {
		if given {
			args = append(args, value)
			fmt.Fprintf(&where, " AND %s = $%d", column, len(args))
		}
	}
	add(f.InstanceID.Given(), "instance_id", f.InstanceID.Value)
	add(f.Status.Given(), "status", f.Status.Value)
	add(f.Language.Given(), "language", f.Language.Value)
	err = s.db.Read(ctx, func(q db.Querier) error {
		templates, err = db.Collect(q.Query(`SELECT `+templateColumns+` FROM whatsapp_templates WHERE account_id = $1`+where.String()+` ORDER BY id`, args...),
			func(r *db.Rows, v *Template) { r.Scan(v.places()...) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing WhatsApp templates: %w", err)
	}
	return templates, nil
}
