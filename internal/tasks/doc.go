// Package tasks is what people have to do: call, visit, write, with a day by which
// and perhaps a lead for whom (companion-api.md section 5).
//
// Its words:
//
//   - A task is pending until it is completed; a completed one can be reopened.
//     Doing either twice changes nothing.
//
//   - It is overdue when it is pending and its day, or its minute if it has one, is
//     over in the account's time zone.
//
//   - It is mandatory while its lead stays in the stage that demanded it
//     (companion-api.md section 2, "Mandatory tasks"):
//
//     lead enters a stage ──CreateMandatory──► pending ⇄ completed
//     └─ PendingMandatory: the lead may not leave
//
// Invariants:
//
//   - A task is mandatory exactly while it has a requirement and its stage_visit is
//     the present one of its lead. Hence a task that is given to another lead loses
//     both, since visits are counted by each lead for itself; and hence deleting the
//     requirement, which sets the task's to NULL, releases it.
//   - The tasks of a lead that is in the trash or merged exist nowhere.
//   - Every change makes a new version, noted by package timeline.
package tasks
