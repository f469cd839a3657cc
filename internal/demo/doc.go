// Package demo makes the database of `syncro demo`: the account that the API's
// reference document speaks of, filled so that each of its examples works, and
// beside it a few accounts and keys for every refusal.
//
// The numbers in here (lead 123, stage 5, user 12 …) are those of the document.
// Whatever is added to a demo database later gets ids above 1000.
//
// The data is the same each time, apart from the times, which are counted back
// from the moment of filling. Only lead 123 was created at a fixed one, the
// document's.
//
// A demo database is marked by its accounts (accounts.is_demo): its keys are
// public, so nothing but the demo may serve it.
package demo
