package main

import (
	"context"
	"fmt"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/input"
	"syncro/internal/messaging"
)

type instanceCommand struct {
	Create instanceCreate `cmd:"" help:"Connect a WhatsApp number; prints its id."`
	List   instanceList   `cmd:"" help:"List the WhatsApp numbers of an account."`
	Check  instanceCheck  `cmd:"" help:"Ask a number's provider whether it is connected; prints its state."`
}

type instanceCreate struct {
	ofAccount
	reach
	Provider      string `required:"" env:"SYNCRO_INSTANCE_PROVIDER" placeholder:"PROVIDER" help:"waha or cloud_api."`
	Name          string `required:"" env:"SYNCRO_INSTANCE_NAME" placeholder:"NAME" help:"Name of the number in the account."`
	BaseURL       string `env:"SYNCRO_INSTANCE_BASE_URL" placeholder:"URL" help:"Address of the WAHA server."`
	Session       string `env:"SYNCRO_INSTANCE_SESSION" placeholder:"NAME" help:"WAHA: name of the session."`
	PhoneNumberID string `env:"SYNCRO_INSTANCE_PHONE_NUMBER_ID" placeholder:"ID" help:"Cloud API: Meta's id of the number."`
	BusinessID    string `env:"SYNCRO_INSTANCE_BUSINESS_ID" placeholder:"ID" help:"Cloud API: Meta's id of the WhatsApp Business Account."`
	// A command line is seen by everybody on the machine; the environment is not.
	Token       string `required:"" env:"SYNCRO_INSTANCE_TOKEN" placeholder:"TOKEN" help:"WAHA's API key or Meta's access token; better given by the environment."`
	HookSecret  string `env:"SYNCRO_INSTANCE_HOOK_SECRET" placeholder:"SECRET" help:"Key of the webhooks' signature."`
	VerifyToken string `env:"SYNCRO_INSTANCE_VERIFY_TOKEN" placeholder:"TOKEN" help:"Cloud API: what Meta repeats when the webhook is set up."`
}

// Run connects the number and prints its id.
func (c *instanceCreate) Run(ctx context.Context, to *streams) error {
	return c.reaching(ctx, to, c.reach, func(a *app.App, account accounts.Account) error {
		text := func(s string) input.Field[string] {
			if s == "" {
				return input.Field[string]{}
			}
			return input.Of(s)
		}
		made, err := a.Messaging.CreateInstance(ctx, authz.Actor{AccountID: account.ID}, &input.Form[messaging.CreateInstanceFields]{Fields: messaging.CreateInstanceFields{
			Provider: text(c.Provider),
			ConnectionFields: messaging.ConnectionFields{
				DisplayName: text(c.Name), BaseURL: text(c.BaseURL), Session: text(c.Session), PhoneNumberID: text(c.PhoneNumberID), BusinessID: text(c.BusinessID),
				Token: text(c.Token), HookSecret: text(c.HookSecret), VerifyToken: text(c.VerifyToken),
			},
		}})
		if err != nil {
			return err
		}
		to.notef("Connected number %d, %s, in account %d, %s. Its webhooks are to be sent to %s.\n", made.ID, made.DisplayName, account.ID, account.Name, made.HookPath)
		_, err = fmt.Fprintln(to.out, made.ID)
		return err
	})
}

type instanceList struct {
	ofAccount
}

// Run prints a table.
func (c *instanceList) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		numbers, err := a.Messaging.Instances(ctx, authz.Actor{AccountID: account.ID})
		if err != nil {
			return err
		}
		return table(to.out, "ID PROVIDER NAME PHONE PRIMARY STATUS", numbers, func(v messaging.Instance) []string {
			phone, primary := "", "no"
			if v.PhoneNumber != nil {
				phone = *v.PhoneNumber
			}
			if v.IsPrimary {
				primary = "yes"
			}
			return []string{number(v.ID), v.Provider, v.DisplayName, phone, primary, v.Status}
		})
	})
}

type instanceCheck struct {
	ofAccount
	reach
	ID int64 `arg:"" help:"Id of the number."`
}

// Run asks the provider and prints the number's state.
func (c *instanceCheck) Run(ctx context.Context, to *streams) error {
	return c.reaching(ctx, to, c.reach, func(a *app.App, account accounts.Account) error {
		v, err := a.Messaging.CheckInstance(ctx, authz.Actor{AccountID: account.ID}, c.ID)
		if err != nil {
			return err
		}
		if v.StatusReason != nil {
			to.notef("%s\n", *v.StatusReason)
		}
		_, err = fmt.Fprintln(to.out, v.Status)
		return err
	})
}
