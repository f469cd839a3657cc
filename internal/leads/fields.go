package leads

import (
	"syncro/internal/api"
	"syncro/internal/calendar"
	"syncro/internal/input"
	"syncro/internal/money"
)

// Details are the fields that every write of a lead accepts alike. Their order
// here is the order in which problems are reported (companion-api.md section 2).
type Details struct {
	Phone        input.Field[string]        `json:"phone" maxLength:"20" doc:"Phone, E.164 recommended; stored as E.164 when it is a possible number (default region BR)." example:"+5511999887766"`
	Email        input.Field[string]        `json:"email" format:"email" maxLength:"191" doc:"Email address." example:"joao@acme.com.br"`
	Company      input.Field[string]        `json:"company" maxLength:"191" doc:"Company." example:"ACME"`
	Birthday     input.Field[calendar.Date] `json:"birthday" doc:"Date of birth." example:"1990-01-15"`
	Value        input.Field[money.Cents]   `json:"value" minimum:"0" maximum:"9999999999.99" doc:"Value of the deal; rounded to cents." example:"5000"`
	Source       input.Field[string]        `json:"source" maxLength:"100" doc:"Where the lead came from." example:"site"`
	Tags         input.Field[[]string]      `json:"tags" itemMaxLength:"50" doc:"Names of tags, unique without regard to case." example:"[\"vip\"]"`
	Notes        input.Field[string]        `json:"notes" maxLength:"2000" doc:"Free text." example:"Cliente pediu proposta."`
	UTMSource    input.Field[string]        `json:"utm_source" maxLength:"100" doc:"UTM source." example:"google"`
	UTMMedium    input.Field[string]        `json:"utm_medium" maxLength:"100" doc:"UTM medium." example:"cpc"`
	UTMCampaign  input.Field[string]        `json:"utm_campaign" maxLength:"200" doc:"UTM campaign." example:"verao_2026"`
	UTMTerm      input.Field[string]        `json:"utm_term" maxLength:"200" doc:"UTM term." example:"crm"`
	UTMContent   input.Field[string]        `json:"utm_content" maxLength:"200" doc:"UTM content." example:"banner"`
	AssignedTo   input.Field[int64]         `json:"assigned_to" doc:"Id of a user of the account." example:"12"`
	CustomFields input.Field[input.Object]  `json:"custom_fields" doc:"Values of custom fields by name; unknown and inactive names are ignored."`
}

// CreateFields is the body of POST /leads.
type CreateFields struct {
	Name       input.Field[string] `json:"name" required:"true" maxLength:"255" doc:"Name of the lead." example:"João Silva"`
	PipelineID input.Field[int64]  `json:"pipeline_id" required:"true" doc:"Id of the pipeline." example:"1"`
	StageID    input.Field[int64]  `json:"stage_id" required:"true" doc:"Id of a stage of the pipeline." example:"5"`
	Details
}

// UpsertFields is the body of POST /leads/upsert.
type UpsertFields struct {
	Name       input.Field[string] `json:"name" maxLength:"255" doc:"Name of the lead; required when it is created." example:"João Silva"`
	PipelineID input.Field[int64]  `json:"pipeline_id" doc:"Id of the pipeline; only together with stage_id. Required when the lead is created." example:"1"`
	StageID    input.Field[int64]  `json:"stage_id" doc:"Id of a stage of the pipeline; moves an existing lead. Required when the lead is created." example:"5"`
	Details
	MatchBy input.Field[string] `json:"match_by" enum:"email,phone,email_or_phone" doc:"What an existing lead is found by (default email_or_phone)." example:"email"`
}

// UpdateFields is the body of PUT and PATCH /leads/{id}: only what is sent
// changes, null clears.
type UpdateFields struct {
	Name       input.Field[string] `json:"name" whenSent:"required" maxLength:"255" doc:"Name of the lead." example:"João Silva"`
	PipelineID input.Field[int64]  `json:"pipeline_id" whenSent:"required" doc:"Id of the pipeline that the stage is of." example:"1"`
	StageID    input.Field[int64]  `json:"stage_id" whenSent:"required" doc:"Id of the stage to move to, by the rules of PUT /leads/{id}/stage." example:"7"`
	Details
	Status   input.Field[string] `json:"status" whenSent:"required" enum:"active,archived" doc:"Archives the lead or brings it back." example:"archived"`
	OptedOut input.Field[bool]   `json:"opted_out" whenSent:"required" doc:"Whether the lead wants no messages: sends to it are then refused, unless override_opt_out is sent with them. Also set when the lead writes SAIR, PARAR or STOP." example:"true"`
}

// MoveFields is the body of PUT /leads/{id}/stage.
type MoveFields struct {
	StageID    input.Field[int64] `json:"stage_id" required:"true" doc:"Id of the stage to move to." example:"7"`
	PipelineID input.Field[int64] `json:"pipeline_id" required:"true" doc:"Id of that stage's pipeline." example:"1"`
}

// WonFields is the body of PUT /leads/{id}/won.
type WonFields struct {
	StageID input.Field[int64]       `json:"stage_id" required:"true" doc:"Id of a won stage." example:"10"`
	Value   input.Field[money.Cents] `json:"value" minimum:"0" maximum:"9999999999.99" doc:"Value of the sale; the lead's value when left out." example:"7500"`
}

// LostFields is the body of PUT /leads/{id}/lost.
type LostFields struct {
	StageID  input.Field[int64] `json:"stage_id" required:"true" doc:"Id of a lost stage." example:"11"`
	ReasonID input.Field[int64] `json:"reason_id" doc:"Id of a lost reason." example:"3"`
}

// TagFields is the body of POST /leads/{id}/tags.
type TagFields struct {
	Tags input.Field[[]string] `json:"tags" required:"true" itemMaxLength:"50" doc:"Names of the tags to add." example:"[\"vip\",\"enterprise\"]"`
}

// Criteria are the filters by which leads are chosen.
type Criteria struct {
	PipelineID   input.Field[int64]    `query:"pipeline_id" doc:"Leads of this pipeline." example:"1"`
	StageID      input.Field[int64]    `query:"stage_id" doc:"Leads in this stage." example:"5"`
	AssignedTo   input.Field[int64]    `query:"assigned_to" doc:"Leads of this user." example:"12"`
	Source       input.Field[string]   `query:"source" doc:"Leads from this source." example:"site"`
	Status       input.Field[string]   `query:"status" enum:"active,archived,merged,open,won,lost" doc:"active and archived are the lead's own status, open, won and lost the kind of its stage; merged leads are listed only with merged." example:"open"`
	Tags         input.Field[[]string] `query:"tags" doc:"Leads with any of these tags, without regard to case." example:"[\"vip\"]"`
	Q            input.Field[string]   `query:"q" doc:"Leads whose name, email or phone contains this, without regard to case and accents; phones whatever their punctuation." example:"joao"`
	UpdatedSince input.Field[string]   `query:"updated_since" doc:"Leads changed from this date or time on, for a synchronisation." example:"2026-06-30T10:00:00Z"`
	CreatedFrom  input.Field[string]   `query:"created_from" doc:"Leads created from this date or time on." example:"2026-06-01"`
	CreatedTo    input.Field[string]   `query:"created_to" doc:"Leads created until this date (its whole day in the account's time zone) or time." example:"2026-06-30"`

	updatedSince, createdFrom, createdTo *calendar.Moment // see Check
}

// Filters is the query of GET /leads.
type Filters struct {
	Criteria
	Sort input.Field[string] `query:"sort" enum:"id,-id,name,-name,value,-value,created_at,-created_at,updated_at,-updated_at,score,-score" doc:"Order; - for descending. Newest first when left out." example:"-updated_at"`
	api.PageQuery
	Include input.Field[string] `query:"include" doc:"Relations to load, separated by commas: owner, products, contacts, notes, sales, tasks, sequences, score. Unknown ones are ignored." example:"owner,tasks"`
}

// ExportQuery is the query of GET /leads/export.
type ExportQuery struct {
	Format    input.Field[string] `query:"format" required:"true" enum:"csv,xlsx,jsonl" doc:"The format: CSV, XLSX, or JSON Lines, a lead a line as GET /leads shows it with its owner." example:"csv"`
	Delimiter input.Field[string] `query:"delimiter" enum:"comma,semicolon" doc:"What separates the cells of a CSV: comma (when left out), or semicolon for Excel in Brazil, with decimal commas and days as 31/12/2026." example:"semicolon"`
	Criteria
}

// OneQuery is the query of GET /leads/{id}.
type OneQuery struct {
	Include input.Field[string] `query:"include" doc:"Relations to load, separated by commas: owner, products, contacts, notes, sales, tasks, sequences, score, siblings, events, conversation. Unknown ones are ignored." example:"owner,tasks,notes"`
}
