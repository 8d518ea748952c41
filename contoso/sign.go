package contoso

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
)

// signingKeys reads a comma list of secrets: "whsec_" and base64, or any other
// text, which is taken as it is.
func signingKeys(list env.Secret) [][]byte {
	var keys [][]byte
	for text := range strings.SplitSeq(list.Reveal(), ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		key := []byte(text)
		if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
			if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				key = decoded
			}
		}
		keys = append(keys, key)
	}
	return keys
}

// signatureHeader names and, if there are keys, signs a webhook as the Standard
// Webhooks specification says
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
// one signature for each key, so that a receiver may hold the old or the new one
// while they rotate.
func signatureHeader(keys [][]byte, id string, at time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}}
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(signatures) > 0 {
		header.Set("Webhook-Signature", strings.Join(signatures, " "))
	}
	return header
}
