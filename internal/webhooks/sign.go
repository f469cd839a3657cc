package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// message is what one attempt sends.
type message struct {
	eventID    string
	eventType  string
	deliveryID int64
	body       []byte
}

// sign sets the headers of an attempt (companion-api.md section 9). The key is the
// bytes of the secret as it is shown. Of several secrets the first is the current
// one; the Standard Webhooks header carries a signature by each.
func (m message) sign(h http.Header, at time.Time, secrets []string) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(digest(secret, []byte(m.eventID+"."+timestamp+"."), m.body))
	}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Syncro-Webhooks/1")
	h.Set("X-Syncro-Event", m.eventType)
	h.Set("X-Syncro-Delivery", strconv.FormatInt(m.deliveryID, 10))
	h.Set("X-Syncro-Signature", "sha256="+hex.EncodeToString(digest(secrets[0], m.body)))
	h.Set("Webhook-Id", m.eventID)
	h.Set("Webhook-Timestamp", timestamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}

// digest is the HMAC-SHA256 of the parts, one after the other.
func digest(secret string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}
