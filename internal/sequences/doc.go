// Package sequences is what a lead is sent step by step, on its own, to be
// nurtured (companion-api.md section 7).
//
// # Words
//
//   - A sequence has steps, each with a wait before it, counted from when the step
//     before it ran.
//   - An enrolment is a lead's way through a sequence: the step that comes next and
//     when. A run is one execution of a step.
//   - Sending hours say when a step may run: weekdays and times of day in the
//     account's zone, not on holidays. The national ones are known; the account adds
//     its own, or works on one.
//   - A branch leads from a wait_reply or a condition to a later step, or to the end.
//     None leads back, so that every sequence ends.
//
// # Versions
//
// The steps of a version never change. An edit of them makes the next version, which
// those get who are enrolled from then on; an enrolment keeps the version that it
// began with, to its end. So no step is ever gone, done twice or passed over because
// somebody edits, and what has been explained to happen happens. What is not a step
// (the name, whether it is active, what ends an enrolment) is the sequence's, and
// holds for all its enrolments at once. A deleted sequence stays as the history of
// its leads; its enrolments end as exited_manual.
//
// # States
//
//	          pause              no step left
//	active ◀────────▶ paused     active ─────────▶ completed
//	   │     resume     │
//	   └───────┬────────┘        exited_reply         a reply that nothing waits for
//	           ▼                 exited_stage_change  a move, where the sequence says so
//	  exited_… or failed         exited_won_lost      a move into a won or lost stage
//	                             exited_opt_out       the lead wants no messages
//	                             exited_deleted       the lead is in the trash, or merged
//	                             exited_manual        taken out
//	                             failed               a step cannot be done
//
// All decisions are one pure function, next (next.go): sequence, enrolment, facts,
// now → what to do, and when. The engine (engine.go), the reactions to what happens
// to leads (react.go) and the explanation (explain.go) ask it and carry out or say
// what it answers.
//
// # A step's run
//
//	claim    one transaction: the enrolment is locked, next decides; a step that is
//	         to run is marked as running, with a lease
//	perform  task, action: one transaction, in which the enrolment goes on as well
//	         message: recorded (transaction), sent, settled, and then the enrolment
//	         goes on (transaction)
//
// # Invariants
//
//   - At most one enrolment of a lead in a sequence is active or paused.
//   - A step sends at most one message: it is recorded under a reference that names
//     the enrolment and the step before the provider is called, and asking package
//     messaging again with that reference never sends again what may have gone out.
//   - Whatever changes an enrolment holds its row and finds its run unchanged: an
//     exit is never overwritten by the outcome of a step that was running.
//   - due_at is when the engine must look at the row: no enrolment that has one is
//     forgotten, whatever process dies.
//   - A lead is locked before its enrolments.
package sequences
