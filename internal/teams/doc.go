// Package teams groups the users of an account and shares leads out among them.
//
// A team has a name, unique in the account without regard to case and accents, and
// members. Leads are given to it in rounds: each goes to the member after the one
// who got the last, by id, and after the last member comes the first. A user who
// is deleted or taken out is passed over; one who joins has his turn in the round.
//
// What is always true: of leads that are given to a team at the same time, no two
// count as the same turn. Whoever takes a turn holds the team until its transaction
// ends, and a turn that is not committed is not taken.
package teams
