package accounts

import (
	"context"
	"net/http"
	"strings"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
	"syncro/internal/phones"
)

// SettingsFields are the body of PUT and PATCH /account/settings. Plan and limits
// are the operator's.
type SettingsFields struct {
	Name        input.Field[string] `json:"name" whenSent:"required" maxLength:"191" doc:"Name of the company." example:"Minha Empresa"`
	TimeZone    input.Field[string] `json:"time_zone" whenSent:"required" maxLength:"191" doc:"IANA name of the time zone, which days are counted in." example:"America/Sao_Paulo"`
	PhoneRegion input.Field[string] `json:"phone_region" whenSent:"required" maxLength:"2" doc:"Country (ISO 3166) of phones that come without a country code. A change applies to what is stored from then on." example:"BR"`
}

// Settings are what an account decides on for itself, and the limits it is under.
type Settings struct {
	Name        string `json:"name" doc:"Name of the company." example:"Minha Empresa"`
	TimeZone    string `json:"time_zone" doc:"Time zone, which days are counted in." example:"America/Sao_Paulo"`
	PhoneRegion string `json:"phone_region" doc:"Country of phones that come without a country code." example:"BR"`
	Limits      Limits `json:"limits" doc:"What the operator of the server allows."`
}

// Limits are what the operator allows an account.
type Limits struct {
	Plan      string `json:"plan" doc:"The plan the account is on." example:"scale"`
	MaxLeads  *int64 `json:"max_leads" doc:"How many leads it may have; null: any number." example:"10000"`
	Leads     int64  `json:"leads" doc:"How many it has, without those that are merged or in the trash." example:"812"`
	RateLimit int64  `json:"rate_limit" doc:"Requests a minute of a key that has no limit of its own." example:"60"`
}

// CountLeads makes known how the leads of an account are counted, which features
// above this one know. It is called before requests are served.
func (s *Service) CountLeads(count func(q db.Querier, actor authz.Actor) (int64, error)) {
	s.countLeads = count
}

// Settings gives the account's settings and limits.
func (s *Service) Settings(ctx context.Context, actor authz.Actor) (settings Settings, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		account, err := selectAccount(q, actor.AccountID)
		if err != nil {
			return err
		}
		settings = Settings{Name: account.Name, TimeZone: account.TimeZone, PhoneRegion: account.PhoneRegion}
		settings.Limits = Limits{Plan: account.Plan, MaxLeads: orNull(account.MaxLeads), RateLimit: s.rateLimit}
		settings.Limits.Leads, err = s.countLeads(q, actor)
		return err
	})
	return settings, wrapped(err, "reading the settings of account %d", actor.AccountID)
}

// ChangeSettings changes what was sent of the account's settings.
func (s *Service) ChangeSettings(ctx context.Context, actor authz.Actor, form *input.Form[SettingsFields]) (Settings, error) {
	f, whole := &form.Fields, copied(form)
	if f.TimeZone.Given() {
		if _, err := s.zone(f.TimeZone.Value); err != nil {
			whole.Problems.Add("time_zone", notAZone)
		}
	}
	if f.PhoneRegion.Given() && !phones.IsRegion(strings.ToUpper(f.PhoneRegion.Value)) {
		whole.Problems.Selected("phone_region")
	}
	if err := whole.Err(); err != nil {
		return Settings{}, err
	}
	changes := AccountChanges{Name: f.Name.Ptr(), TimeZone: f.TimeZone.Ptr(), PhoneRegion: f.PhoneRegion.Ptr()}
	if _, err := s.Update(ctx, actor.AccountID, changes); err != nil {
		return Settings{}, err
	}
	return s.Settings(ctx, actor)
}

type settingsAnswer struct {
	Success  bool     `json:"success" doc:"Always true." example:"true"`
	Settings Settings `json:"settings" doc:"The settings."`
}

func (s *Service) routesOfSettings(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/account/settings", Scope: authz.SettingsRead, ID: "getSettings", Tag: sectionAccount, Summary: "Show the settings",
		Description: "What the account decides on for itself, and the limits it is under.",
	}, func(ctx context.Context, c *api.Call) (settingsAnswer, error) {
		settings, err := s.Settings(ctx, c.Actor)
		return settingsAnswer{true, settings}, err
	})
	change := func(ctx context.Context, c *api.Call, form *input.Form[SettingsFields]) (settingsAnswer, error) {
		settings, err := s.ChangeSettings(ctx, c.Actor, form)
		return settingsAnswer{true, settings}, err
	}
	api.HandleUpdate(r, api.Route{
		Path: "/account/settings", Scope: authz.SettingsWrite, Tag: sectionAccount, ID: "updateSettings", Summary: "Change the settings",
		Description: "Changes only what is sent. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"time_zone": "America/Manaus"},
	}, change)
}
