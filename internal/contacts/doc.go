// Package contacts is the people behind a deal: a lead is one deal, and several
// people may have a say in it.
//
// At most one contact of a lead is primary, the first to talk to: making one
// primary ends that of the other. Contacts are no part of the lead: changing them
// moves neither its version nor its updated_at.
package contacts
