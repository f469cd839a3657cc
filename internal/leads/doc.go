// Package leads is the heart of the CRM: leads (deals), which move through the
// stages of pipelines, with their tags, sales and lost sales.
//
// # Words
//
//   - A lead is listed unless it is merged into another one or in the trash.
//   - A visit is a lead's stay in a stage; each entry into a stage begins one.
//   - A move is a change of stage. A sale (lost sale) records that a lead was won
//     (lost) in a pipeline; it is voided when the lead leaves that stage for one of
//     another kind in the same pipeline.
//   - A merge makes one lead, the secondary, part of another one, the primary. What
//     features have of leads is their relation to them (relation.go): it says how
//     that goes over, and back when the merge is undone.
//   - A purge removes leads in the trash for good, and what was merged into them.
//   - The key of an email, a phone or a tag is the form in which two of them are
//     compared.
//
// # States
//
//	            PUT status              PUT status
//	active ───────────────▶ archived ───────────────▶ active
//	   │  merge                 │ merge
//	   ├──────────▶ merged ◀────┤                open, won, lost: the kind of the
//	   │ delete                 │ delete         stage an active or archived lead is in
//	   └──────────▶ trash  ◀────┘
//
// An unmerge, and a restore from the trash, lead back to where the lead was.
//
// # Invariants
//
//   - Every change to a listed lead goes through change (change.go): it counts the
//     version up, moves updated_at, notes old and new values, keeps the counters,
//     the tag index and the search index, and records the events, all in one
//     transaction. The score alone is moved by package scoring: it is derived, and
//     moving it is no change of the lead.
//   - lead_counters and lead_blocks equal counts over the listed leads at every
//     commit (counters.go); the index of tags (tagindex.go) has exactly the tags of
//     the listed leads.
//   - What is remembered of searches (found.go) is used only in snapshots in which
//     the index that it came from is unchanged.
//   - What a change replaced can be put back (Revert): its record holds the old
//     values and, aside, what else it did: the visit it ended, the sales it made and
//     voided.
//   - A merge writes down each row that it hands over, and what else it changes, so
//     that its undoing leaves every table as it was.
//   - At most one sale and one lost sale that is not voided per lead and pipeline.
//   - Ids are never reused.
package leads
