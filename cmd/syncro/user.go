package main

import (
	"context"
	"fmt"

	"syncro/internal/accounts"
	"syncro/internal/app"
	"syncro/internal/authz"
)

type userCommand struct {
	Create userCreate `cmd:"" help:"Make a user; prints its id."`
	List   userList   `cmd:"" help:"List the users of an account."`
}

type userCreate struct {
	ofAccount
	Name  string `required:"" env:"SYNCRO_USER_NAME" placeholder:"NAME" help:"Name of the user."`
	Email string `required:"" env:"SYNCRO_USER_EMAIL" placeholder:"EMAIL" help:"Email, unique in the account."`
	Role  string `default:"viewer" env:"SYNCRO_USER_ROLE" help:"admin, manager or viewer."`
}

// Run makes the user and prints its id.
func (c *userCreate) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		made, err := a.Accounts.CreateUser(ctx, account.ID, accounts.NewUser{Name: c.Name, Email: c.Email, Role: authz.Role(c.Role)})
		if err != nil {
			return err
		}
		to.notef("Made user %d, %s <%s>, %s in account %d, %s.\n", made.ID, made.Name, made.Email, made.Role, account.ID, account.Name)
		_, err = fmt.Fprintln(to.out, made.ID)
		return err
	})
}

type userList struct {
	ofAccount
}

// Run prints a table.
func (c *userList) Run(ctx context.Context, to *streams) error {
	return c.administer(ctx, to, func(a *app.App, account accounts.Account) error {
		users, err := a.Accounts.ListUsers(ctx, authz.Actor{AccountID: account.ID})
		if err != nil {
			return err
		}
		return table(to.out, "ID NAME EMAIL ROLE", users, func(u accounts.User) []string {
			return []string{number(u.ID), u.Name, u.Email, string(u.Role)}
		})
	})
}
