package accounts

import (
	"context"
	"net/http"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/input"
)

type keyItem struct {
	ID         int64             `json:"id" doc:"Identifier of the key." example:"3"`
	Name       string            `json:"name" doc:"What the key is for." example:"n8n"`
	Prefix     string            `json:"prefix" doc:"Its first characters, to tell keys apart." example:"crm_4fQz81Lk"`
	State      KeyState          `json:"state" enum:"active,expired,revoked" doc:"Whether it can be used." example:"active"`
	Scopes     []authz.Scope     `json:"scopes" nullable:"false" doc:"What it may do, as far as the role of its user allows." example:"[\"leads:read\",\"leads:write\"]"`
	UserID     *int64            `json:"user_id" doc:"User that it acts as; null: the account's first user." example:"12"`
	RateLimit  *int64            `json:"rate_limit" doc:"Requests a minute; null: the server's own limit." example:"60"`
	ExpiresAt  *calendar.Instant `json:"expires_at" doc:"When it expires; null: never."`
	RevokedAt  *calendar.Instant `json:"revoked_at" doc:"When it was revoked; null when it was not."`
	ReplacedBy *int64            `json:"replaced_by" doc:"Key that a rotation has put in its place; null when there is none." example:"4"`
	CreatedAt  calendar.Instant  `json:"created_at" doc:"When it was made."`
}

func keyItemOf(k Key, now time.Time) keyItem {
	return keyItem{
		k.ID, k.Name, k.Prefix, k.State(now), k.Scopes, k.UserID, k.RateLimit,
		calendar.InstantOf(k.Expires), calendar.InstantOf(k.Revoked), k.ReplacedBy, calendar.Instant{Time: k.Created},
	}
}

type keyAnswer struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	Key     keyItem `json:"key" doc:"The key, without its secret."`
}

// madeAnswer is the only answer that holds a key itself.
type madeAnswer struct {
	Success bool    `json:"success" doc:"Always true." example:"true"`
	Key     keyItem `json:"key" doc:"The key that was made."`
	APIKey  string  `json:"api_key" doc:"The key itself, for the header X-API-Key. It is not shown again." example:"crm_4fQz81LkV0nT7yBpW2mXcE9sRhJ6uA3dGq5KoZiN"`
}

func (s *Service) made(k Key, plain string, err error) (madeAnswer, error) {
	return madeAnswer{true, keyItemOf(k, s.clock()), plain}, err
}

func (s *Service) routesOfKeys(r *api.Router) {
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/keys", Scope: authz.SettingsRead, ID: "listKeys", Tag: sectionKeys, Summary: "List API keys",
		Description: "All keys of the account, by id, expired and revoked ones among them. Keys themselves are shown only when they are made.",
	}, func(ctx context.Context, c *api.Call) (api.List[keyItem], error) {
		keys, err := s.ListKeys(ctx, c.Actor.AccountID)
		items := make([]keyItem, len(keys))
		for i, k := range keys {
			items[i] = keyItemOf(k, s.clock())
		}
		return api.ListOf(items), err
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/keys", Scope: authz.SettingsWrite, ID: "createKey", Tag: sectionKeys, Summary: "Create an API key", Created: true, Secret: true,
		Description: "Makes a key and shows it, this once. It cannot have scopes, requests a minute or a life beyond those of the calling key.",
		BodyExample: map[string]any{"name": "n8n", "scopes": []string{"leads:read", "leads:write"}, "expires_at": "2027-12-31"},
	}, func(ctx context.Context, c *api.Call, form *input.Form[KeyFields]) (madeAnswer, error) {
		return s.made(s.GrantKey(ctx, c.Actor, form))
	})
	api.Handle(r, api.Route{
		Method: http.MethodGet, Path: "/keys/{id}", Scope: authz.SettingsRead, ID: "getKey", Tag: sectionKeys, Summary: "Fetch an API key",
		Description: "Gives what is known of one key, which is not the key itself.",
	}, func(ctx context.Context, c *api.Call) (keyAnswer, error) {
		k, err := s.GetKey(ctx, c.Actor, c.ID("id"))
		return keyAnswer{true, keyItemOf(k, s.clock())}, err
	})
	api.Handle(r, api.Route{
		Method: http.MethodDelete, Path: "/keys/{id}", Scope: authz.SettingsWrite, ID: "revokeKey", Tag: sectionKeys, Summary: "Revoke an API key",
		Description: "Ends a key for good, on every node within a second. It stays listed. Revoking it again changes nothing.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.RevokeKey(ctx, c.Actor.AccountID, c.ID("id"))
	})
	api.HandleBody(r, api.Route{
		Method: http.MethodPost, Path: "/keys/{id}/rotate", Scope: authz.SettingsWrite, ID: "rotateKey", Tag: sectionKeys, Summary: "Rotate an API key", Created: true, Secret: true,
		Description: "Makes a key like another one and shows it, this once; the old one works on for the overlap. A key can be rotated by itself, or by one that has all of its scopes, its requests a minute and its life; once only.",
		BodyExample: map[string]any{"overlap_minutes": 60},
		Refusals: []api.Refusal{{
			Status: http.StatusUnprocessableEntity, When: "The key has been rotated before.",
			Example: map[string]any{"message": "A API Key já foi substituída.", "replaced_by": 4},
		}},
	}, func(ctx context.Context, c *api.Call, form *input.Form[RotateFields]) (madeAnswer, error) {
		return s.made(s.RotateFor(ctx, c.Actor, c.ID("id"), form))
	})
}
