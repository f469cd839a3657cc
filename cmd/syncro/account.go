package main

import (
	"context"
	"fmt"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/pipelines"
)

type accountCommand struct {
	Create   accountCreate   `cmd:"" help:"Make an account with its admin, a pipeline and three lost reasons; prints its id."`
	List     accountList     `cmd:"" help:"List all accounts."`
	Update   accountUpdate   `cmd:"" help:"Change an account."`
	Suspend  accountSuspend  `cmd:"" help:"Refuse the keys of an account from now on."`
	Activate accountActivate `cmd:"" help:"Accept the keys of an account again."`
}

type accountCreate struct {
	storage
	Name       string `required:"" env:"SYNCRO_ACCOUNT_NAME" placeholder:"NAME" help:"Name of the company."`
	Plan       string `default:"${plan}" env:"SYNCRO_ACCOUNT_PLAN" help:"Name of its plan."`
	MaxLeads   int64  `default:"0" env:"SYNCRO_ACCOUNT_MAX_LEADS" help:"How many leads the plan allows; 0 for any number."`
	TimeZone   string `default:"${zone}" env:"SYNCRO_ACCOUNT_TIME_ZONE" help:"IANA name of its time zone, which days are counted in."`
	AdminName  string `default:"Administrador" env:"SYNCRO_ADMIN_NAME" help:"Name of its first user."`
	AdminEmail string `default:"admin@localhost" env:"SYNCRO_ADMIN_EMAIL" help:"Email of its first user."`
}

// Run makes the account and prints its id.
func (c *accountCreate) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App) error {
		made, err := a.Accounts.Create(ctx, accounts.NewAccount{
			Name: c.Name, Plan: c.Plan, MaxLeads: c.MaxLeads, TimeZone: c.TimeZone, AdminName: c.AdminName, AdminEmail: c.AdminEmail,
		}, func(tx *db.Tx, actor authz.Actor) error { return pipelines.CreateDefaults(tx, actor.AccountID) })
		if err != nil {
			return err
		}
		to.notef("Made account %d, %s, with the admin %s <%s>, the pipeline Vendas and three lost reasons.\n", made.ID, made.Name, c.AdminName, c.AdminEmail)
		to.notef("Next, make an API key: syncro key create%s --account %d --name \"My first key\"\n", c.flags(), made.ID)
		_, err = fmt.Fprintln(to.out, made.ID)
		return err
	})
}

type accountList struct {
	storage
}

// Run prints a table.
func (c *accountList) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App) error {
		all, err := a.Accounts.List(ctx)
		if err != nil {
			return err
		}
		return table(to.out, "ID NAME PLAN STATUS MAX-LEADS TIME-ZONE CREATED", all, func(a accounts.Account) []string {
			limit := "any"
			if a.MaxLeads > 0 {
				limit = number(a.MaxLeads)
			}
			return []string{number(a.ID), a.Name, a.Plan, string(a.Status), limit, a.TimeZone, a.Created.UTC().Format(time.DateOnly)}
		})
	})
}

type accountUpdate struct {
	storage
	ID       int64   `arg:"" help:"Id of the account."`
	Name     *string `env:"SYNCRO_ACCOUNT_NAME" placeholder:"NAME" help:"Name of the company."`
	Plan     *string `env:"SYNCRO_ACCOUNT_PLAN" placeholder:"NAME" help:"Name of its plan."`
	MaxLeads *int64  `env:"SYNCRO_ACCOUNT_MAX_LEADS" placeholder:"N" help:"How many leads the plan allows; 0 for any number."`
	TimeZone *string `env:"SYNCRO_ACCOUNT_TIME_ZONE" placeholder:"ZONE" help:"IANA name of its time zone."`
}

// Run changes what was given.
func (c *accountUpdate) Run(ctx context.Context, to *streams) error {
	changes := accounts.AccountChanges{Name: c.Name, Plan: c.Plan, MaxLeads: c.MaxLeads, TimeZone: c.TimeZone}
	if changes == (accounts.AccountChanges{}) {
		return usagef("nothing to change: give --name, --plan, --max-leads or --time-zone")
	}
	return c.administer(ctx, to, func(a *app.App) error {
		changed, err := a.Accounts.Update(ctx, c.ID, changes)
		if err != nil {
			return unknownAccount(err, c.ID)
		}
		to.notef("Changed account %d, %s.\n", changed.ID, changed.Name)
		return nil
	})
}

type accountSuspend struct {
	storage
	ID int64 `arg:"" help:"Id of the account."`
}

// Run suspends the account.
func (c *accountSuspend) Run(ctx context.Context, to *streams) error {
	return c.setStatus(ctx, to, c.ID, accounts.Suspended)
}

type accountActivate struct {
	storage
	ID int64 `arg:"" help:"Id of the account."`
}

// Run activates the account.
func (c *accountActivate) Run(ctx context.Context, to *streams) error {
	return c.setStatus(ctx, to, c.ID, accounts.Active)
}

func (s storage) setStatus(ctx context.Context, to *streams, id int64, status accounts.Status) error {
	return s.administer(ctx, to, func(a *app.App) error {
		changed, err := a.Accounts.SetStatus(ctx, id, status)
		if err != nil {
			return unknownAccount(err, id)
		}
		to.notef("Account %d, %s, is %s.\n", changed.ID, changed.Name, changed.Status)
		return nil
	})
}

// unknownAccount says which account it is that does not exist.
func unknownAccount(err error, id int64) error {
	if faults.Is(err, faults.NotFound) {
		return fmt.Errorf("there is no account %d: `syncro account list` shows them", id)
	}
	return err
}

// ofAccount is for commands about what an account has. Where there is only one
// account, it need not be named.
type ofAccount struct {
	storage
	Account int64 `env:"SYNCRO_ACCOUNT" placeholder:"ID" help:"Id of the account; may be left out where there is only one."`
}

func (o ofAccount) administer(ctx context.Context, to *streams, do func(a *app.App, account accounts.Account) error) error {
	return o.reaching(ctx, to, reach{}, do)
}

func (o ofAccount) reaching(ctx context.Context, to *streams, r reach, do func(a *app.App, account accounts.Account) error) error {
	return o.storage.reaching(ctx, to, r, func(a *app.App) error {
		account, err := o.find(ctx, a)
		if err != nil {
			return err
		}
		return do(a, account)
	})
}

func (o ofAccount) find(ctx context.Context, a *app.App) (accounts.Account, error) {
	if o.Account != 0 {
		account, err := a.Accounts.Get(ctx, authz.Actor{AccountID: o.Account})
		return account, unknownAccount(err, o.Account)
	}
	all, err := a.Accounts.List(ctx)
	switch {
	case err != nil:
		return accounts.Account{}, err
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return accounts.Account{}, fmt.Errorf("there is no account yet: make one with `syncro account create%s --name NAME`", o.flags())
	default:
		return accounts.Account{}, usagef("there are %d accounts: say which with --account ID", len(all))
	}
}
