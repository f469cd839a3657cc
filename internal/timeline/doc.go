// Package timeline remembers what happened to a lead and what changed in a record.
//
// Its words:
//
//   - An event says in a sentence what happened to a lead: it was moved, won,
//     tagged. Events are written by [Record] and never changed.
//   - A change says which fields one version of a record (a lead or a task)
//     changed, from what to what. The version is the record's ETag; [Stale] reads
//     from the changes what somebody else did to a record since a client read it.
//   - A note is what a person wrote about a lead.
//
// Events and changes are written in the transaction of what they tell of, so that
// there is never the one without the other (architecture.md, "Events").
package timeline
