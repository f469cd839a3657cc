// Package webhooks tells other systems what happened (companion-api.md section 9).
//
// Its words:
//
//   - A subscription is a target that wants to hear of some types of events.
//
//   - A delivery is one event on its way to one subscription; an attempt is one
//     request of it.
//
//     an event is written
//     └─fan-out, same transaction─▶ pending ──claim──▶ delivering ──2xx──▶ delivered
//     ▲  failed ◀──else──┘  └──8th, or no subscription left──▶ dead
//     └────┘ claimed again when its time has come
//
//   - A claim lasts as long as its lease. A process that dies leaves a lease behind;
//     when that is over, or its database's only process starts anew, the delivery is
//     claimed again, so that every event arrives at least once, with the same id and
//     in the same bytes.
//
//   - A test is an event of the type webhook.test that one subscription is sent at
//     once and only once. A redelivery is a further delivery of an old event.
//
// Invariants:
//
//   - A delivery is written in the transaction of its event, or never.
//   - The events of one lead go out to a subscription in their order, each as soon as
//     the first attempt of the one before has ended. One that failed is retried
//     later and overtaken: it does not hold up the others.
//   - An attempt counts if the delivery is still claimed for it when it ends.
//   - No transaction is open while a target is asked.
//   - The pace of one subscription is nothing to the others: at most
//     [maxPerSubscription] of its deliveries run in a process, of an account's
//     [maxPerAccount], of a subscription whose last attempt failed one.
//   - Secrets are stored sealed, and neither logged nor shown again.
package webhooks
