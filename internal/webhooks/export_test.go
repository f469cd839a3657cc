package webhooks

import "time"

// MaxPerSubscriptionForTest is how many deliveries to one target run at once.
const MaxPerSubscriptionForTest = maxPerSubscription

// LimitForTest sets how long a target has to answer.
func (s *Service) LimitForTest(limit time.Duration) { s.limit = limit }
