package cloudapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/providertest"
)

func TestTheCloudAPIPassesWhatEveryProviderHasTo(t *testing.T) {
	providertest.Run(t, providertest.Subject{
		New: func(c exchange.Config) messaging.Provider { return cloudapi.New(c) },
		Connection: messaging.Connection{
			InstanceID: 2, AccountID: 1, Provider: cloudapi.Name, PhoneNumberID: "106540352242922", BusinessID: "102290129340398",
			Token: "cloud-token", HookSecret: "app-secret",
		},
		Message:  messaging.Outgoing{To: "+5511999887766", Kind: messaging.KindText, Body: "Oi"},
		Accepted: `{"messages":[{"id":"wamid.HBgM"}]}`,
		Sign: func(secret string, raw []byte) http.Header {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(raw)
			return http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
		},
	})
}

func TestTheChallengeIsRepeatedOnlyToWhoKnowsTheVerifyToken(t *testing.T) {
	ask := func(own, mode, token string) (string, error) {
		return cloudapi.New(exchange.Config{}).AnswerChallenge(messaging.Connection{VerifyToken: own},
			url.Values{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}})
	}
	if got, err := ask("right", "subscribe", "right"); err != nil || got != "1158201444" {
		t.Errorf("it answers %q, %v", got, err)
	}
	for _, wrong := range [][3]string{{"right", "subscribe", "wrong"}, {"right", "unsubscribe", "right"}, {"right", "subscribe", ""}, {"", "subscribe", ""}} {
		if got, err := ask(wrong[0], wrong[1], wrong[2]); !errors.Is(err, messaging.ErrHookChallenge) || got != "" {
			t.Errorf("%q is answered with %q, %v", wrong, got, err)
		}
	}
}
