// Package accounts holds who uses the program: accounts, their users, and the
// API keys with which a request says who it is.
//
// An account is a company with its plan; nothing of it is ever seen by another.
// It is active, trial or suspended; the keys of a suspended account are refused.
// A user works in one account as admin, manager or viewer. A key belongs to an
// account, carries scopes and a rate limit, and acts as the account's first user
// in that order of roles (companion-api.md section 1).
//
// What is always true: of a key only the SHA-256 is stored; the key itself is
// given once, by [Service.CreateKey], and never logged. Within an account no two
// users have one email, whatever its case. Time zones are IANA names that this
// binary knows: main imports time/tzdata, so that they do not depend on the
// machine.
//
// A request's key becomes an [api.Principal], which is kept for at most [principalAge]:
// so long may another node, or a command line beside the server, have suspended
// the account or revoked the key before this process notices. Changes made in
// this process count at once. Requests are counted by a [RateLimiter].
package accounts
