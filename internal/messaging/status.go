package messaging

// Status is how far a message has come. The providers' own words for it are read
// by their adapters.
type Status string

// The states of a message.
const (
	StatusQueued    Status = "queued"    // written down, nobody has called the provider
	StatusSending   Status = "sending"   // the provider is being called
	StatusSent      Status = "sent"      // the provider has accepted it
	StatusDelivered Status = "delivered" // it is on the customer's telephone
	StatusRead      Status = "read"      // the customer has seen it
	StatusPlayed    Status = "played"    // the customer has listened to it
	StatusFailed    Status = "failed"    // it did not go out, and will not
	StatusUnknown   Status = "unknown"   // the request went out and no answer came; never sent again by itself
	StatusReceived  Status = "received"  // it came from the customer
	StatusCancelled Status = "cancelled" // withdrawn before the provider was called
)

// progress orders the states by how much is known: news can only add to it. A
// failure counts for more than "sent", which only says that the provider took it,
// and for less than a telephone's own word that it has the message.
var progress = map[Status]int{
	StatusQueued: 1, StatusSending: 2, StatusUnknown: 3, StatusSent: 4, StatusFailed: 5, StatusDelivered: 6, StatusRead: 7, StatusPlayed: 8,
}

// Advance is the state of a message that was at one state when it is told of
// another. It never moves backwards, in whatever order the news arrive
// (whatsapp-providers.md, "Rules"). What was received or cancelled stays so, and
// only what nobody has called the provider for can be cancelled.
func Advance(at, told Status) Status {
	if at == StatusQueued && told == StatusCancelled {
		return told
	}
	was, outgoing := progress[at]
	if outgoing && progress[told] > was {
		return told
	}
	return at
}
