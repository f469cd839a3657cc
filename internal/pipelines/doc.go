// Package pipelines holds the ways an account's leads go: pipelines, their
// stages, what must be done before a lead may leave a stage, and the reasons for
// which sales are lost (companion-api.md section 3).
//
// The words: a stage is open, or closed as won or lost. A requirement is a task
// that each entry into its stage makes; the lead stays until it is done. The
// board is all of it, of one account, at one moment.
//
// What is always true: a stage belongs to one pipeline for ever. Won stages have
// the probability 100, lost ones 0. Within an account no two pipelines, within a
// pipeline no two stages, within a stage no two requirements and within an
// account no two lost reasons have one name.
//
// The board is read with every request and changes a few times a year, so
// [Service] keeps it by the account's setup version. Whatever changes it calls
// accounts.SetupChanged in the same transaction; the functions of store.go that
// write leave this to their caller, who makes many changes at once.
package pipelines
