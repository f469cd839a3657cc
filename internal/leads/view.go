package leads

import (
	"syncro/internal/calendar"
	"syncro/internal/money"
)

// Ref is a record inside another one.
type Ref struct {
	ID   int64  `json:"id" doc:"Id." example:"5"`
	Name string `json:"name" doc:"Name." example:"Proposta"`
}

// Owner is the user a lead is assigned to.
type Owner struct {
	ID    int64  `json:"id" doc:"User id." example:"12"`
	Name  string `json:"name" doc:"Name." example:"Ana"`
	Email string `json:"email" doc:"Email." example:"ana@minhaempresa.com.br"`
}

// View is the Lead object of the API, for the OpenAPI document; renderer writes it.
type View struct {
	ID           int64            `json:"id" doc:"Id of the lead; never reused." example:"123"`
	Name         string           `json:"name" doc:"Name." example:"João Silva"`
	Phone        *string          `json:"phone" doc:"Phone, E.164 where it is a possible number, else as sent." example:"+5511999887766"`
	Email        *string          `json:"email" doc:"Email address." example:"joao@acme.com.br"`
	Company      *string          `json:"company" doc:"Company." example:"ACME"`
	Birthday     *string          `json:"birthday" format:"date" doc:"Date of birth." example:"1990-01-15"`
	Value        *money.Cents     `json:"value" doc:"Value of the deal." example:"5000"`
	Source       *string          `json:"source" doc:"Where the lead came from." example:"site"`
	Tags         []string         `json:"tags" nullable:"false" doc:"Tags, in order of adding." example:"[\"vip\",\"enterprise\"]"`
	PipelineID   int64            `json:"pipeline_id" doc:"Pipeline the lead is in." example:"1"`
	StageID      int64            `json:"stage_id" doc:"Stage the lead is in." example:"5"`
	Notes        *string          `json:"notes" doc:"Free text." example:"Anotações do lead"`
	UTMSource    *string          `json:"utm_source" doc:"UTM source." example:"google"`
	UTMMedium    *string          `json:"utm_medium" doc:"UTM medium." example:"cpc"`
	UTMCampaign  *string          `json:"utm_campaign" doc:"UTM campaign." example:"verao_2026"`
	UTMTerm      *string          `json:"utm_term" doc:"UTM term." example:"crm"`
	UTMContent   *string          `json:"utm_content" doc:"UTM content." example:"banner"`
	Stage        Ref              `json:"stage" doc:"The stage."`
	Pipeline     Ref              `json:"pipeline" doc:"The pipeline."`
	CreatedAt    calendar.Instant `json:"created_at" doc:"When the lead was created, in UTC."`
	CustomFields map[string]any   `json:"custom_fields" doc:"Values of active custom fields by name; {} when there are none."`
	Status       Status           `json:"status" enum:"active,archived,merged" doc:"The lead's own status." example:"active"`
	UpdatedAt    calendar.Instant `json:"updated_at" doc:"When the lead, its tags, custom fields, stage or owner last changed, in UTC."`

	AssignedTo     *int64            `json:"assigned_to,omitempty" doc:"With include=owner: the owner's id, null for none." example:"12"`
	Owner          *Owner            `json:"owner,omitempty" doc:"With include=owner: the owner, null for none."`
	Score          *int64            `json:"score,omitempty" doc:"With include=score." example:"0"`
	ScoreUpdatedAt *calendar.Instant `json:"score_updated_at,omitempty" doc:"With include=score."`
	Sales          []Sale            `json:"sales,omitempty" nullable:"false" doc:"With include=sales, newest first."`
	LostSales      []LostSale        `json:"lost_sales,omitempty" nullable:"false" doc:"With include=sales, newest first."`
	Siblings       []Sibling         `json:"siblings,omitempty" nullable:"false" doc:"With include=siblings: other leads with the same email or phone."`
	ContactTotals  *ContactTotals    `json:"contact_totals,omitempty" doc:"With include=siblings: totals over the lead and its siblings."`
}
