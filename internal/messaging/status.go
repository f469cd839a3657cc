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
