package livechat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
)

// tolerance is how far a webhook's clock may be from ours.
const tolerance = 5 * time.Minute

// VerifyStandard checks a Standard Webhooks signature (version 1, symmetric:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
// with any of secrets, so that a secret can be replaced without a gap. It
// returns [ErrUnsigned] when there are none.
func VerifyStandard(secrets []env.Secret, header http.Header, body []byte, now time.Time) error {
	if len(secrets) == 0 {
		return ErrUnsigned
	}
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	if id == "" || stamp == "" || header.Get("webhook-signature") == "" {
		return errors.New("webhook signature: webhook-id, webhook-timestamp and webhook-signature are required")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("webhook signature: webhook-timestamp is not a Unix time")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age.Abs() > tolerance {
		return fmt.Errorf("webhook signature: webhook-timestamp is more than %s off", tolerance)
	}
	for _, secret := range secrets {
		key := keyOf(secret)
		if len(key) == 0 {
			continue // anyone could sign with it
		}
		want := sum(key, id+"."+stamp+".", body)
		for given := range strings.FieldsSeq(header.Get("webhook-signature")) {
			version, encoded, _ := strings.Cut(given, ",")
			got, err := base64.StdEncoding.DecodeString(encoded)
			if version == "v1" && err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return errors.New("webhook signature: does not match")
}

// StandardID returns the id of a webhook that [VerifyStandard] accepted.
func StandardID(header http.Header) string {
	return strings.ToValidUTF8(header.Get("webhook-id"), "\uFFFD") // a header holds any byte
}

// keyOf returns the secret's key: that of the form whsec_<base64> is decoded, any
// other is used as it is.
func keyOf(secret env.Secret) []byte {
	if encoded, ok := strings.CutPrefix(secret.Reveal(), "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			return decoded
		}
	}
	return []byte(secret.Reveal())
}

func sum(key []byte, prefix string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(prefix))
	mac.Write(body)
	return mac.Sum(nil)
}
