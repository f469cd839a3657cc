// Package imports brings leads in from files that people have: CSV and XLSX.
//
// # Words
//
//   - An import is one file with what is to become of it: a mapping, which says which
//     field of a lead each column holds, and options.
//   - A part is some hundreds of its rows. The file is read once, when it comes, into
//     parts in the database, so that any node can work on them and nobody has to find a
//     place in the file again.
//   - A dry run does everything but the writing. It lists the problems (row, column,
//     reason) and the duplicates: rows whose contact is there already, in the account
//     or further up in the file.
//
// # States
//
//	          POST dry-run            done
//	uploaded ─────────────▶ checking ──────▶ checked
//	    │  ▲      PUT (the dry run is void)     │
//	    │  └────────────────────────────────────┤
//	    │ POST start                            │ POST start
//	    └───────────────▶ importing ◀───────────┘
//	                          │  then as its operation: done, failed, cancelled, undoing, undone
//
// # Invariants
//
//   - The dry run and the import run the same code over the same parts (run.go); the
//     leads change by the rules of upserts ([leads.Batch]).
//   - A part's leads, their journal and the place behind the part are committed
//     together (package operations), so that after a crash no row is imported twice
//     and none is left out.
//   - A row with a problem changes nothing and is listed; the others are imported.
package imports
