// Package netguard makes requests to addresses that strangers have named, and
// keeps them out of the operator's own networks (companion-api.md section 9).
//
//	a target is named ──CheckURL──▶ kept ──▶ a request ──Client──▶ resolved ──Control──▶ connected
//	                     resolves it                              again        each address
//
// A name may lead elsewhere by the time it is used (DNS rebinding), so what is
// checked in the end is the address of each connection, before it is made. The
// check at the beginning is for whoever names the target, to be told at once.
//
// Invariants: no connection is made to an address that is not public, unless the
// operator allows its range; no redirect is followed; no proxy of the environment
// is asked, since it would connect on our behalf without the check.
package netguard
