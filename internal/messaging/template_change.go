package messaging

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

const (
	disabled    = "DISABLED"
	noTemplates = "Este número não tem templates."
)

// knownTemplate is what a synchronisation compares with.
type knownTemplate struct {
	id                                               int64
	providerID, category, status, body, header, json string
	quality, rejected                                string
}

func templatesOf(q db.Querier, actor authz.Actor, instanceID int64) (map[string]knownTemplate, error) {
	rows := q.Query(`SELECT id, name, language, provider_id, category, status, body, header_type, components, quality_score, rejected_reason
		FROM whatsapp_templates WHERE account_id = $1 AND instance_id = $2`, actor.AccountID, instanceID)
	known := map[string]knownTemplate{}
	for rows.Next() {
		var t knownTemplate
		var name, language string
		rows.Scan(&t.id, &name, &language, &t.providerID, &t.category, &t.status, &t.body, &t.header, &t.json, &t.quality, &t.rejected)
		known[name+" "+language] = t
	}
	return known, rows.Err()
}

func (k knownTemplate) same(t *ListedTemplate) bool {
	return k.providerID == t.ProviderID && k.category == t.Category && k.status == t.Status && k.body == t.Body && k.header == t.HeaderType && k.json == string(t.Components) &&
		k.quality == t.QualityScore && k.rejected == t.RejectedReason
}

// storeTemplate writes a template as the provider had it at a time.
func storeTemplate(tx *db.Tx, actor authz.Actor, instanceID int64, t *ListedTemplate, at time.Time) error {
	return tx.Queue(`INSERT INTO whatsapp_templates (account_id, instance_id, name, language, category, status, body, variables_count, header_type, components,
			provider_id, quality_score, rejected_reason, status_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
		ON CONFLICT (account_id, instance_id, name, language) DO UPDATE SET category = excluded.category, status = excluded.status, body = excluded.body,
			variables_count = excluded.variables_count, header_type = excluded.header_type, components = excluded.components, provider_id = excluded.provider_id,
			quality_score = excluded.quality_score, rejected_reason = excluded.rejected_reason, status_at = excluded.status_at, updated_at = excluded.updated_at`,
		actor.AccountID, instanceID, storable(t.Name), t.Language, t.Category, t.Status, storable(t.Body), t.VariablesCount, t.HeaderType, storable(string(t.Components)),
		orNull(t.ProviderID), orNull(t.QualityScore), orNull(storable(t.RejectedReason)), at, tx.Now())
}

// NewTemplateFields are the body of POST /whatsapp/templates.
type NewTemplateFields struct {
	InstanceID input.Field[int64]    `json:"instance_id" required:"true" doc:"Number of the Official API that it is made for." example:"2"`
	Name       input.Field[string]   `json:"name" required:"true" maxLength:"64" doc:"Name at Meta: small letters, digits and _." example:"lembrete_proposta"`
	Language   input.Field[string]   `json:"language" required:"true" maxLength:"15" doc:"Language code." example:"pt_BR"`
	Category   input.Field[string]   `json:"category" required:"true" enum:"UTILITY,MARKETING" doc:"What it is for." example:"UTILITY"`
	Body       input.Field[string]   `json:"body" required:"true" maxLength:"1024" doc:"The text, with the variables {{1}}, {{2}}, … in it." example:"Olá {{1}}, sua {{2}} vence em {{3}}."`
	Examples   input.Field[[]string] `json:"examples" itemMaxLength:"1024" doc:"An example of each variable, in order: Meta wants to see them." example:"[\"João\",\"Proposta\",\"30/07\"]"`
	Header     input.Field[string]   `json:"header" maxLength:"60" doc:"A line above the text, without variables." example:"Sua proposta"`
	Footer     input.Field[string]   `json:"footer" maxLength:"60" doc:"A line below the text, without variables." example:"Responda SAIR para não receber mais."`
}

var (
	templateName     = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	templateLanguage = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3})?$`)
	variableForm     = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
)

// check adds what is wrong with a template, by Meta's rules.
func (f *NewTemplateFields) check(problems *faults.Bag) {
	form := func(field, value string, form *regexp.Regexp) {
		if value != "" && !problems.Has(field) && !form.MatchString(value) {
			problems.Addf(field, "The %s field format is invalid.", faults.Spoken(field))
		}
	}
	form("name", f.Name.Value, templateName)
	form("language", f.Language.Value, templateLanguage)
	numbers, highest := map[int]bool{}, 0
	for _, found := range variableForm.FindAllStringSubmatch(f.Body.Value, -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil || n < 1 {
			problems.Add("body", "The body field may only have the variables {{1}}, {{2}} and so on.")
			return
		}
		numbers[n] = true
		highest = max(highest, n)
	}
	switch {
	case highest != len(numbers):
		problems.Add("body", "The body field may only have the variables {{1}}, {{2}} and so on.")
	case len(f.Examples.Value) != highest:
		problems.Addf("examples", "The examples field must contain %d items.", highest)
	}
	for i, example := range f.Examples.Value {
		if example == "" {
			problems.Required(fmt.Sprintf("examples.%d", i))
		}
	}
	for field, value := range map[string]string{"header": f.Header.Value, "footer": f.Footer.Value} {
		if variableForm.MatchString(value) {
			problems.Addf(field, "The %s field must not have variables.", field)
		}
	}
}

// CreateTemplate makes a template at the provider, which then decides about it.
func (s *Service) CreateTemplate(ctx context.Context, actor authz.Actor, form *input.Form[NewTemplateFields]) (t Template, err error) {
	f := &form.Fields
	f.check(&form.Problems)
	var c Connection
	err = s.db.Read(ctx, func(q db.Querier) error {
		if !f.InstanceID.Given() {
			return nil
		}
		if c, err = s.connection(q, actor, f.InstanceID.Value); err != nil {
			return err
		}
		var taken bool
		err := db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM whatsapp_templates WHERE account_id = $1 AND instance_id = $2 AND name = $3 AND language = $4 AND status <> 'DISABLED')`,
			actor.AccountID, c.InstanceID, f.Name.Value, f.Language.Value), &taken)
		if err == nil && taken {
			form.Problems.Add("name", "The name has already been taken.")
		}
		return err
	})
	creator, able := s.Providers[c.Provider].(TemplateCreator)
	switch {
	case isUnknown(err), err == nil && f.InstanceID.Given() && !able:
		form.Problems.Selected("instance_id")
	case err != nil:
		return t, err
	}
	form.Problems.SortBy([]string{"instance_id", "name", "language", "category", "body", "examples", "header", "footer"})
	if err := form.Err(); err != nil {
		return t, err
	}
	made, err := creator.CreateTemplate(ctx, c, NewTemplate{
		Name: f.Name.Value, Language: f.Language.Value, Category: f.Category.Value, Body: f.Body.Value, Examples: f.Examples.Value, Header: f.Header.Value, Footer: f.Footer.Value,
	})
	if err != nil {
		return t, upstream(err)
	}
	err = s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err := storeTemplate(tx, actor, c.InstanceID, &made, tx.Now()); err != nil {
			return err
		}
		return db.Get(tx.Query(`SELECT `+templateColumns+` FROM whatsapp_templates WHERE account_id = $1 AND instance_id = $2 AND name = $3 AND language = $4`,
			actor.AccountID, c.InstanceID, made.Name, made.Language), t.places()...)
	})
	return t, err
}
