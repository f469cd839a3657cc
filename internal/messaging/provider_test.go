package messaging_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"syncro/internal/messaging"
)

func TestAConnectionPrintsWithoutItsSecrets(t *testing.T) {
	c := messaging.Connection{InstanceID: 7, AccountID: 1, Provider: "waha", Token: "hush", HookSecret: "hush", VerifyToken: "hush"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("calling", "connection", c)
	printed := fmt.Sprintf("%v %+v %#v %s %v", c, c, c, c, &c) + log.String()
	if strings.Contains(printed, "hush") || !strings.Contains(log.String(), "connection.instance_id=7") {
		t.Error(printed)
	}
}

func TestOnlyWhatDidNotGoOutMayBeSentAgain(t *testing.T) {
	for outcome, again := range map[messaging.Outcome]bool{
		messaging.NotSent: true, messaging.RetryLater: true, messaging.Unknown: false, messaging.Permanent: false,
		messaging.WindowClosed: false, messaging.NumberInTrouble: false, messaging.NotOnWhatsApp: false,
	} {
		if e := (&messaging.SendError{Outcome: outcome}); e.Retryable() != again {
			t.Errorf("%s: %t", outcome, e.Retryable())
		}
	}
	cause := errors.New("refused")
	e := &messaging.SendError{Outcome: messaging.NotSent, Message: "Sem conexão.", Cause: cause}
	if !errors.Is(e, cause) || e.Error() != "not_sent: Sem conexão.: refused" {
		t.Errorf("it says %v", e)
	}
}
