package messaging

import "testing"

func TestDeliveryStateNeverMovesBackwards(t *testing.T) {
	for _, c := range []struct{ at, told, want Status }{
		{StatusQueued, StatusSending, StatusSending},
		{StatusQueued, StatusCancelled, StatusCancelled},
		{StatusSending, StatusCancelled, StatusSending}, // the provider is being called: too late
		{StatusSending, StatusSent, StatusSent},
		{StatusSending, StatusUnknown, StatusUnknown},
		{StatusSending, StatusFailed, StatusFailed},
		{StatusSending, StatusRead, StatusRead}, // the hooks are faster than the answer
		{StatusRead, StatusSent, StatusRead},    // … which then comes late
		{StatusRead, StatusUnknown, StatusRead},
		{StatusUnknown, StatusSent, StatusSent}, // a hook settles it
		{StatusUnknown, StatusFailed, StatusFailed},
		{StatusUnknown, StatusSending, StatusUnknown},
		{StatusSent, StatusFailed, StatusFailed}, // 131047 often arrives only later
		{StatusSent, StatusDelivered, StatusDelivered},
		{StatusFailed, StatusSent, StatusFailed}, // written before the failure
		{StatusFailed, StatusDelivered, StatusDelivered},
		{StatusDelivered, StatusFailed, StatusDelivered},
		{StatusDelivered, StatusPlayed, StatusPlayed},
		{StatusPlayed, StatusRead, StatusPlayed},
		{StatusCancelled, StatusSending, StatusCancelled},
		{StatusReceived, StatusRead, StatusReceived},
		{StatusSent, Status("warming_up"), StatusSent},
		{StatusSent, StatusReceived, StatusSent},
	} {
		if got := Advance(c.at, c.told); got != c.want {
			t.Errorf("%s, told of %s, becomes %s, not %s", c.at, c.told, got, c.want)
		}
	}
}

func TestTheOrderOfNewsDoesNotMatter(t *testing.T) {
	news := []Status{StatusSent, StatusDelivered, StatusRead, StatusUnknown}
	var each func(at Status, rest []Status)
	each = func(at Status, rest []Status) {
		if len(rest) == 0 && at != StatusRead {
			t.Errorf("some order ends in %s", at)
		}
		for i := range rest {
			others := append(append([]Status{}, rest[:i]...), rest[i+1:]...)
			each(Advance(at, rest[i]), others)
		}
	}
	each(StatusSending, news)
}
