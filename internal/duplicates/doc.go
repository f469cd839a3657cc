// Package duplicates finds leads that are probably one: the same email, the same
// phone in whatever form, or similar names in the same company.
//
// # Words
//
//   - A pair is two listed leads with at least one reason to be one; the older one
//     comes first. Its confidence is how likely that is, in percent.
//   - A check compares one lead with those that it may be a duplicate of, its
//     candidates, and leaves the pairs that it is in as they should be.
//   - A scan checks the leads that an account had before anybody looked.
//
// # Flow
//
//	a lead is written ──React──▶ a check that is due     one transaction
//	checks, scans ──job──▶ pairs                         soon after it
//	a lead is trashed or merged ──React──▶ its pairs are gone, their other halves
//	                                       are checked    one transaction
//
// A write leaves one short row; all comparing is the job's, which does one slice of
// each a second: neither a million old leads nor an import are a burden to anybody.
//
// # Candidates
//
// However many leads share an email, a phone or a company, a lead is compared with
// a bounded number of them:
//
//   - the oldest few with its email, and with its phone: every lead of such a group
//     is in a pair with one of them, and up to six leads each with each;
//   - in its company, its neighbours in the order of names, read forwards and
//     backwards: what differs at its end is near by in the first, what differs at
//     its beginning in the second (the sorted-neighbourhood method).
//
// # Dismissal
//
// A dismissed pair is not shown again as long as what made it one stays the same.
package duplicates
