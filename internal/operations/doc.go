// Package operations runs long work over many leads of an account: a bulk action,
// an import. What the work is, its [Kind] says; this package keeps its state, does
// it slice by slice, journals what became of each item, and undoes it.
//
// # Words
//
//   - An operation is one such work. Its items are numbered from 1.
//   - A slice is the part of it that one transaction does: the changes of the leads,
//     their journal, the position behind them and the counts are committed together.
//     Killed anywhere, an operation goes on behind its last committed slice.
//   - The journal has an item's outcome and, where a lead was changed, the version
//     that the change made. From these an undo walks backwards, with
//     [leads.Service.Revert], in slices again.
//
// # States
//
//	          job                    nothing left
//	queued ─────────▶ running ───────────────────▶ done ──────┐
//	   │                 │ a refusal, or five                 │ undo, within
//	   │                 │ failures in a row                  │ 30 days of the start
//	   │                 ├─────────────────────▶ failed ──────┤
//	   │     cancel      │                                    ▼       nothing left
//	   └─────────────────┴───────────────────▶ cancelled ─▶ undoing ─────────────▶ undone
//
// # Invariants
//
//   - A slice changes leads if and only if their journal is committed with it.
//   - Of two workers only one has an operation at a time: the slice holds its row.
//   - done counts the items that are over; changed and failed are among them.
//   - An operation that must go on has a due_at; each slice moves it ahead, so that
//     it comes due when whoever works on it has died.
package operations
