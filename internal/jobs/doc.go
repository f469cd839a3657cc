// Package jobs runs work that no request waits for: deliveries, messages, the
// steps of sequences.
//
// # Flow
//
//	a feature changes its row ──Enqueue──▶ outbox        one transaction
//	outbox ──pump──▶ River's jobs                        one transaction
//	rows that are due ──sweep──▶ River's jobs
//	River's jobs ──▶ Work of the feature                 on any node
//
// A job says no more than "look at this row". What is to be done, whether it has
// been done, and when to try again stands in the feature's row, which its Work
// claims first and writes the outcome to. So a job that is lost loses nothing,
// since the sweep finds the row, and one that comes twice does nothing twice.
//
// The pump is woken by the commit. The sweep looks once a second; it finds what
// becomes due by time, and what was lost. Where several nodes share a PostgreSQL
// database, each pumps, each works, and River's leader sweeps, besides whoever has
// just started.
//
// # Words
//
// A [Kind] is a kind of work. A key names the row it is about, "account:row". A
// [Queue] is where transactions leave work; a [Runner] has it done.
//
// # River
//
// River (github.com/riverqueue/river) keeps the jobs, hands each to one node and
// bounds how many run at once: each kind is a queue of its own. Its retries are
// off, and so is its scheduling; docs/adr/0010-jobs.md tells why, and what was
// measured.
package jobs
