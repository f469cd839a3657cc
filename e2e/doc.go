// Package e2e tries the built program from outside, as its users meet it: child
// processes that are started on port 0, asked over HTTP and stopped by a signal,
// on SQLite and on PostgreSQL. It holds tests only.
//
//   - examples: each curl command of the API's reference and its answer;
//   - refusals: each row of the error table (companion-api.md section 1);
//   - rules: what section 2 says of leads, and sections 3 to 8 of the rest;
//   - story: one lead from its creation to its sale, with the customer's reply and
//     the webhooks that tell of it;
//   - races: what holds when many ask at the same moment, of one process or two;
//   - faults: what is left undone or done twice when processes are killed (nothing);
//   - program: the command line, start, stop and administration.
//
// The tests of HTTP run against `syncro demo`, whose data demo-account.md fixes.
// A top-level test has a demo of its own on each engine; its subtests share that
// demo and keep out of each other's way by making leads of their own.
package e2e
