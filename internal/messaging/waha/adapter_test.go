package waha_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"testing"

	"syncro/internal/messaging"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/providertest"
	"syncro/internal/messaging/waha"
)

func TestWAHAPassesWhatEveryProviderHasTo(t *testing.T) {
	providertest.Run(t, providertest.Subject{
		New:        func(c exchange.Config) messaging.Provider { return waha.New(c) },
		Connection: messaging.Connection{InstanceID: 1, AccountID: 1, Provider: waha.Name, Session: "vendas", Token: "waha-key", HookSecret: "hook-secret"},
		Message:    messaging.Outgoing{To: "+5511999887766", Kind: messaging.KindText, Body: "Oi"},
		Accepted:   `{"id":"true_5511999887766@c.us_3EB0"}`,
		Sign: func(secret string, raw []byte) http.Header {
			mac := hmac.New(sha512.New, []byte(secret))
			mac.Write(raw)
			return http.Header{"X-Webhook-Hmac": {hex.EncodeToString(mac.Sum(nil))}}
		},
	})
}
