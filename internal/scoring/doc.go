// Package scoring gives points to leads for what happens to them
// (companion-api.md section 10).
//
// # Flow
//
//	event of a lead, a task or a message
//	   │  rules of the account for it whose conditions hold and whose cooldown is over
//	   ▼
//	points of all of them, summed ──▶ leads.score, moved once, never below 0
//	                                  score_log, one line per rule: why
//
// all in the transaction of the change itself, as a reaction of package events.
// Without rules an event costs one look into memory.
//
// Its words:
//
//   - A rule fires when one of its event happens and all of its conditions hold.
//     Afterwards it rests for its cooldown, for this lead.
//   - An event of messages, leads or tasks can be two events of rules: a message
//     with a picture is message_received and message_media_received, a lead that is
//     created whole is lead_created and profile_complete.
//   - A stage is ahead of those that stand before it on the board of the same
//     pipeline. Lost stages are outside of that order: entering one is lead_lost,
//     and no step ahead for standing at the board's end; neither does a change of
//     pipeline count as a step.
//   - A profile is complete when name, phone, email and company are set. A rule for
//     it fires once in the life of a lead.
//   - Decay takes points from leads without activity: no change, and no event on
//     their timeline. A score that moves is no activity.
//
// Invariant: a score is not the lead's own data but calculated from it. It moves
// neither the lead's version nor its updated_at, or else every client that holds
// an ETag would be out of date for what it cannot edit, and every message would
// make a sync fetch the lead.
package scoring
