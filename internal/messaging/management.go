package messaging

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/netguard"
)

// ManagedInstance is a number as whoever manages it sees it. Its credentials are
// never shown, only whether there are any.
type ManagedInstance struct {
	Instance
	StatusReason   *string          `json:"status_reason" doc:"What the provider said when it was in trouble; null otherwise." example:"SCAN_QR_CODE"`
	BaseURL        *string          `json:"base_url" doc:"Where the provider is; null for the Official API's own address." example:"https://waha.exemplo.com.br"`
	Session        *string          `json:"session" doc:"waha: name of its session." example:"default"`
	PhoneNumberID  *string          `json:"phone_number_id" doc:"cloud_api: Meta's id of the number." example:"106540352242922"`
	BusinessID     *string          `json:"business_id" doc:"cloud_api: Meta's id of the WhatsApp Business Account, which owns the templates." example:"102290129340398"`
	APIVersion     *string          `json:"api_version" doc:"cloud_api: version of Meta's API; null for the one that the server was made for." example:"v23.0"`
	HasToken       bool             `json:"has_token" doc:"Whether there is a token." example:"true"`
	HasHookSecret  bool             `json:"has_hook_secret" doc:"Whether there is a secret for its webhooks; without one they are refused." example:"true"`
	HasVerifyToken bool             `json:"has_verify_token" doc:"cloud_api: whether there is a verify token." example:"true"`
	HookPath       string           `json:"hook_path" doc:"Path on this server that the provider's webhooks are to be sent to." example:"/hooks/waha/1"`
	CreatesLeads   bool             `json:"creates_leads" doc:"Whether a message of an unknown phone makes a lead." example:"true"`
	LeadPipelineID *int64           `json:"lead_pipeline_id" doc:"Pipeline where such a lead begins." example:"1"`
	LeadStageID    *int64           `json:"lead_stage_id" doc:"Stage where such a lead begins." example:"1"`
	CreatedAt      calendar.Instant `json:"created_at" doc:"When it was connected."`
	UpdatedAt      calendar.Instant `json:"updated_at" doc:"When it last changed."`
}

// ConnectionFields are what a number's connection is made of in a body; credentials
// can be written and are never shown.
type ConnectionFields struct {
	DisplayName   input.Field[string] `json:"display_name" whenSent:"required" maxLength:"191" doc:"Its name in the account." example:"Número principal"`
	PhoneNumber   input.Field[string] `json:"phone_number" maxLength:"20" doc:"The number; a connection check reads it from the provider." example:"+5511999887700"`
	BaseURL       input.Field[string] `json:"base_url" maxLength:"2048" doc:"http(s) address of the WAHA server, or of what stands before Meta's API. It must not be private unless the operator allows it." example:"https://waha.exemplo.com.br"`
	Session       input.Field[string] `json:"session" maxLength:"54" doc:"waha: name of its session." example:"default"`
	PhoneNumberID input.Field[string] `json:"phone_number_id" maxLength:"32" doc:"cloud_api: Meta's id of the number." example:"106540352242922"`
	BusinessID    input.Field[string] `json:"business_id" maxLength:"32" doc:"cloud_api: Meta's id of the WhatsApp Business Account; needed for templates." example:"102290129340398"`
	APIVersion    input.Field[string] `json:"api_version" maxLength:"10" doc:"cloud_api: version of Meta's API." example:"v23.0"`
	Token         input.Field[string] `json:"token" maxLength:"1000" doc:"WAHA's API key, or Meta's access token. Never shown." example:"EAAG…"`
	HookSecret    input.Field[string] `json:"hook_secret" maxLength:"255" doc:"Key of the webhooks' signature: WAHA's HMAC key, or the secret of the Meta app. Never shown." example:"4f1c…"`
	VerifyToken   input.Field[string] `json:"verify_token" maxLength:"255" doc:"cloud_api: what Meta repeats when the webhook is set up. Never shown." example:"meu-token"`
	CreatesLeads  input.Field[bool]   `json:"creates_leads" doc:"Whether a message of an unknown phone makes a lead, in lead_stage_id." example:"true"`
	LeadStageID   input.Field[int64]  `json:"lead_stage_id" doc:"Stage where such a lead begins; required when creates_leads is true." example:"1"`
}

// CreateInstanceFields are the body of POST /whatsapp/instances.
type CreateInstanceFields struct {
	Provider input.Field[string] `json:"provider" required:"true" enum:"waha,cloud_api" doc:"What connects the number; it stays." example:"waha"`
	ConnectionFields
}

// UpdateInstanceFields are the body of PUT /whatsapp/instances/{id}: only what is
// sent changes, null clears.
type UpdateInstanceFields struct{ ConnectionFields }

const managedColumns = instanceColumns + `, status_reason, base_url, session, phone_number_id, business_id, api_version,
	token_sealed IS NOT NULL, hook_secret_sealed IS NOT NULL, verify_token_sealed IS NOT NULL, creates_leads, lead_pipeline_id, lead_stage_id, created_at, updated_at`

// Managed gives one number.
func (s *Service) Managed(ctx context.Context, actor authz.Actor, id int64) (v ManagedInstance, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		v, err = s.managed(q, actor, id)
		return err
	})
	return v, err
}

func (s *Service) managed(q db.Querier, actor authz.Actor, id int64) (v ManagedInstance, err error) {
	err = db.Get(q.Query(`SELECT `+managedColumns+` FROM whatsapp_instances WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL`, actor.AccountID, id),
		append(v.places(), &v.StatusReason, &v.BaseURL, &v.Session, &v.PhoneNumberID, &v.BusinessID, &v.APIVersion, &v.HasToken, &v.HasHookSecret, &v.HasVerifyToken,
			&v.CreatesLeads, &v.LeadPipelineID, &v.LeadStageID, &v.CreatedAt.Time, &v.UpdatedAt.Time)...)
	if errors.Is(err, db.ErrNoRows) {
		return v, errUnknownNumber()
	}
	if err != nil {
		return v, fmt.Errorf("reading a number: %w", err)
	}
	s.adorn(&v.Instance)
	v.HookPath = strings.Replace(hookPaths[v.Provider], "{instance}", strconv.FormatInt(id, 10), 1)
	return v, nil
}

// settings are a number's connection as it is stored.
type settings struct {
	Connection
	displayName, phone string
	createsLeads       bool
	leadStageID        *int64
}

var (
	sessionForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	metaID      = regexp.MustCompile(`^[0-9]+$`)
	versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	phoneForm   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// apply puts what was sent into the settings, and adds what is wrong then.
func (f *ConnectionFields) apply(c *settings, problems *faults.Bag) {
	set := func(field input.Field[string], place *string) {
		if field.Sent {
			*place = field.Value
		}
	}
	set(f.DisplayName, &c.displayName)
	set(f.PhoneNumber, &c.phone)
	set(f.BaseURL, &c.BaseURL)
	set(f.Session, &c.Session)
	set(f.PhoneNumberID, &c.PhoneNumberID)
	set(f.BusinessID, &c.BusinessID)
	set(f.APIVersion, &c.APIVersion)
	set(f.Token, &c.Token)
	set(f.HookSecret, &c.HookSecret)
	set(f.VerifyToken, &c.VerifyToken)
	if f.CreatesLeads.Sent {
		c.createsLeads = f.CreatesLeads.Value
	}
	if f.LeadStageID.Sent {
		c.leadStageID = f.LeadStageID.Ptr()
	}
	demand := func(field, value string, form *regexp.Regexp, required bool) {
		switch {
		case problems.Has(field):
		case value == "" && required:
			problems.Required(field)
		case value != "" && form != nil && !form.MatchString(value):
			problems.Addf(field, "The %s field format is invalid.", faults.Spoken(field))
		}
	}
	waha := c.Provider == "waha"
	demand("display_name", c.displayName, nil, true)
	demand("phone_number", c.phone, phoneForm, false)
	demand("base_url", c.BaseURL, nil, waha)
	demand("session", c.Session, sessionForm, waha)
	demand("phone_number_id", c.PhoneNumberID, metaID, !waha)
	demand("business_id", c.BusinessID, metaID, false)
	demand("api_version", c.APIVersion, versionForm, false)
	demand("token", c.Token, nil, true)
	for field, value := range map[string]string{"token": c.Token, "hook_secret": c.HookSecret, "verify_token": c.VerifyToken} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			problems.Addf(field, "The %s field must only contain single-byte alphanumeric characters and symbols.", faults.Spoken(field))
		}
	}
	if c.createsLeads && c.leadStageID == nil {
		problems.Required("lead_stage_id")
	}
	if waha {
		c.PhoneNumberID, c.BusinessID, c.APIVersion, c.VerifyToken = "", "", "", ""
	} else {
		c.Session = ""
	}
}

// checkBaseURL adds what is wrong with an address that was sent. It asks the network.
func (s *Service) checkBaseURL(ctx context.Context, address input.Field[string], problems *faults.Bag) error {
	if !address.Given() {
		return nil
	}
	switch err := s.Guard.CheckURL(ctx, address.Value); {
	case err == nil:
	case errors.Is(err, netguard.ErrNotWeb):
		problems.Add("base_url", "The base url field must be a valid URL.")
	case errors.Is(err, netguard.ErrRefused):
		problems.Add("base_url", "The base url field must not lead to a private, loopback or link-local address.")
	default:
		return fmt.Errorf("checking an address: %w", err)
	}
	if u, err := url.Parse(address.Value); err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		problems.Add("base_url", "The base url field must not hold a user, a query or a fragment.")
	}
	return nil
}

var connectionOrder = []string{
	"provider", "display_name", "phone_number", "base_url", "session", "phone_number_id", "business_id", "api_version", "token", "hook_secret", "verify_token", "creates_leads", "lead_stage_id",
}

// CreateInstance connects a number; the account's first one is its primary. It is
// disconnected until a check, or the provider itself, says otherwise.
func (s *Service) CreateInstance(ctx context.Context, actor authz.Actor, form *input.Form[CreateInstanceFields]) (v ManagedInstance, err error) {
	if err := s.checkBaseURL(ctx, form.Fields.BaseURL, &form.Problems); err != nil {
		return v, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		whole := *form
		whole.Problems = form.Problems.Clone()
		c := settings{Connection: Connection{AccountID: actor.AccountID, Provider: form.Fields.Provider.Value}}
		if form.Fields.Provider.Given() {
			form.Fields.apply(&c, &whole.Problems)
		}
		pipeline, err := stagePipeline(tx, actor, c.leadStageID, &whole.Problems)
		if err != nil {
			return err
		}
		whole.Problems.SortBy(connectionOrder)
		if err := whole.Err(); err != nil {
			return err
		}
		if err := lockPrimary(tx, actor); err != nil {
			return err
		}
		var id int64
		err = db.Get(tx.Query(`INSERT INTO whatsapp_instances (account_id, provider, display_name, is_primary, status, created_at, updated_at)
			VALUES ($1, $2, $3, NOT EXISTS (SELECT 1 FROM whatsapp_instances o WHERE o.account_id = $1 AND o.is_primary), 'disconnected', $4, $4) RETURNING id`,
			actor.AccountID, c.Provider, c.displayName, tx.Now()), &id)
		if err != nil {
			return fmt.Errorf("storing a number: %w", err)
		}
		if err := s.storeSettings(tx, actor, id, &c, pipeline); err != nil {
			return err
		}
		v, err = s.managed(tx, actor, id)
		return err
	})
	return v, phoneTaken(err)
}

// UpdateInstance changes a number's connection.
func (s *Service) UpdateInstance(ctx context.Context, actor authz.Actor, id int64, form *input.Form[UpdateInstanceFields]) (v ManagedInstance, err error) {
	if _, err := s.Managed(ctx, actor, id); err != nil {
		return v, err
	}
	if err := s.checkBaseURL(ctx, form.Fields.BaseURL, &form.Problems); err != nil {
		return v, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		c, err := s.heldSettings(tx, actor, id)
		if err != nil {
			return err
		}
		whole := *form
		whole.Problems = form.Problems.Clone()
		before := c.BaseURL
		form.Fields.apply(c, &whole.Problems)
		if c.BaseURL != "" && c.BaseURL != before && !form.Fields.Token.Given() {
			// Else whoever does not know the token could have it sent to any host.
			whole.Problems.Add("token", "The token field is required when base url changes.")
		}
		pipeline, err := stagePipeline(tx, actor, c.leadStageID, &whole.Problems)
		if err != nil {
			return err
		}
		whole.Problems.SortBy(connectionOrder)
		if err := whole.Err(); err != nil {
			return err
		}
		if err := s.storeSettings(tx, actor, id, c, pipeline); err != nil {
			return err
		}
		v, err = s.managed(tx, actor, id)
		return err
	})
	return v, phoneTaken(err)
}

// heldSettings reads a number's settings for a change.
func (s *Service) heldSettings(tx *db.Tx, actor authz.Actor, id int64) (*settings, error) {
	c := &settings{}
	err := db.Get(tx.Query(`SELECT display_name, phone_number, creates_leads, lead_stage_id FROM whatsapp_instances WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
		actor.AccountID, id), &c.displayName, &c.phone, &c.createsLeads, &c.leadStageID)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errUnknownNumber()
	}
	if err != nil {
		return nil, fmt.Errorf("reading a number: %w", err)
	}
	c.Connection, err = s.connection(tx, actor, id)
	return c, err
}

// stagePipeline is the pipeline of the stage where leads begin.
func stagePipeline(q db.Querier, actor authz.Actor, stage *int64, problems *faults.Bag) (*int64, error) {
	if stage == nil {
		return nil, nil //nolint:nilnil // no stage has no pipeline
	}
	var pipeline int64
	err := db.Get(q.Query(`SELECT pipeline_id FROM stages WHERE account_id = $1 AND id = $2`, actor.AccountID, *stage), &pipeline)
	if errors.Is(err, db.ErrNoRows) {
		problems.Selected("lead_stage_id")
		return nil, nil //nolint:nilnil // as above
	}
	return &pipeline, err
}

// storeSettings writes a number's connection, its credentials sealed.
func (s *Service) storeSettings(tx *db.Tx, actor authz.Actor, id int64, c *settings, pipeline *int64) error {
	var sealed [3]any
	for i, plain := range []string{c.Token, c.HookSecret, c.VerifyToken} {
		if plain == "" {
			continue
		}
		text, err := s.Secrets.Seal(plain)
		if err != nil {
			return fmt.Errorf("sealing the secrets of a number: %w", err)
		}
		sealed[i] = text
	}
	_, err := tx.Exec(`UPDATE whatsapp_instances SET display_name = $3, phone_number = $4, base_url = $5, session = $6, phone_number_id = $7, business_id = $8, api_version = $9,
			token_sealed = $10, hook_secret_sealed = $11, verify_token_sealed = $12, creates_leads = $13, lead_pipeline_id = $14, lead_stage_id = $15, updated_at = $16
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, id, c.displayName, orNull(c.phone), orNull(c.BaseURL), orNull(c.Session), orNull(c.PhoneNumberID), orNull(c.BusinessID), orNull(c.APIVersion),
		sealed[0], sealed[1], sealed[2], c.createsLeads, pipeline, c.leadStageID, tx.Now())
	return err
}

// phoneTaken makes the refusal of a phone number id that is connected already: one
// number has one account.
func phoneTaken(err error) error {
	if !db.UniqueOn(err, "whatsapp_instances.phone_number_id") {
		return err
	}
	var problems faults.Bag
	problems.Add("phone_number_id", "The phone number id has already been taken.")
	return problems.Err()
}

// lockPrimary lets nobody else say which number is the account's primary.
func lockPrimary(tx *db.Tx, actor authz.Actor) error {
	return tx.LockKeys("primary number " + strconv.FormatInt(actor.AccountID, 10))
}

// MakePrimary makes a number the account's primary one, and no other.
func (s *Service) MakePrimary(ctx context.Context, actor authz.Actor, id int64) (v ManagedInstance, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := lockPrimary(tx, actor); err != nil {
			return err
		}
		if v, err = s.managed(tx, actor, id); err != nil || v.IsPrimary {
			return err
		}
		if err := setPrimary(tx, actor, id); err != nil {
			return err
		}
		v, err = s.managed(tx, actor, id)
		return err
	})
	return v, err
}

// setPrimary is for who holds the lock.
func setPrimary(tx *db.Tx, actor authz.Actor, id int64) error {
	if err := tx.Queue(`UPDATE whatsapp_instances SET is_primary = FALSE, updated_at = $2 WHERE account_id = $1 AND is_primary`, actor.AccountID, tx.Now()); err != nil {
		return err
	}
	return tx.Queue(`UPDATE whatsapp_instances SET is_primary = TRUE, updated_at = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now())
}

// DeleteInstance disconnects a number for good: its credentials and its templates
// go, its conversations and messages stay. A primary one is followed by the first
// that is connected, or else the first.
func (s *Service) DeleteInstance(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := lockPrimary(tx, actor); err != nil {
			return err
		}
		v, err := s.managed(tx, actor, id)
		if err != nil {
			return err
		}
		if err := tx.Queue(`UPDATE whatsapp_instances SET deleted_at = $3, is_primary = FALSE, status = 'disconnected', status_reason = NULL, base_url = NULL, session = NULL,
				phone_number_id = NULL, business_id = NULL, token_sealed = NULL, hook_secret_sealed = NULL, verify_token_sealed = NULL, creates_leads = FALSE, updated_at = $3
			WHERE account_id = $1 AND id = $2`, actor.AccountID, id, tx.Now()); err != nil {
			return err
		}
		for _, table := range []string{
			`DELETE FROM whatsapp_templates WHERE account_id = $1 AND instance_id = $2`,
			`DELETE FROM inbound_hooks WHERE account_id = $1 AND instance_id = $2`,
			`DELETE FROM number_checks WHERE account_id = $1 AND instance_id = $2`,
		} {
			if err := tx.Queue(table, actor.AccountID, id); err != nil {
				return err
			}
		}
		if !v.IsPrimary {
			return nil
		}
		var heir int64
		err = db.Get(tx.Query(`SELECT id FROM whatsapp_instances WHERE account_id = $1 AND deleted_at IS NULL ORDER BY CASE WHEN status = 'connected' THEN 0 ELSE 1 END, id LIMIT 1`,
			actor.AccountID), &heir)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return setPrimary(tx, actor, heir)
	})
}
