package livechat_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/livechat"
)

// FuzzVerifyStandard signs whatever it is given and finds that accepted; without
// a signature of the key, nothing is.
func FuzzVerifyStandard(f *testing.F) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	f.Add("key-of-the-hub", "1", stamp, "v1,AAAA v1a,xyz", []byte(body))
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg", stamp, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte(body))
	f.Add("whsec_", "1", stamp, "v1,", []byte{})
	f.Add("", "", "", " ,v1 ,, v1", []byte("x"))
	f.Add("whsec_no base64!", "a.b", "+1614265331", "v2,AAAA\tv1,%%%", []byte("\x00\xff"))
	f.Add("k", "1", "-9223372036854775808", "v1,AAAA", []byte(body))
	f.Add("k", "1", "9223372036854775807", "v1,AAAA", []byte(body))
	f.Fuzz(func(t *testing.T, secret, id, stamp, signature string, body []byte) {
		key := []byte(secret)
		if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
			if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				key = decoded
			}
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		timely := err == nil && seconds >= now.Unix()-300 && seconds <= now.Unix()+300
		verify := func(h http.Header, body []byte) bool {
			err := livechat.VerifyStandard([]env.Secret{env.Secret(secret)}, h, body, now)
			if errors.Is(err, livechat.ErrUnsigned) {
				t.Fatal("a hub with a secret counts as one without")
			}
			if err != nil && len(secret) > 30 && strings.Contains(err.Error(), secret) {
				t.Fatalf("the error tells the secret: %v", err)
			}
			return err == nil
		}
		good := signed(key, id, stamp, string(body))
		if got := verify(header(id, stamp, signature+" "+good), body); got != (timely && id != "" && len(key) > 0) {
			t.Fatalf("signed by key %q, id %q, at %q: accepted is %t", key, id, stamp, got)
		}
		if verify(header(id, stamp, signature), body) && !carries(signature, key, id+"."+stamp+"."+string(body)) {
			t.Fatalf("accepted %q", signature)
		}
		if verify(header(id, stamp, good), append([]byte("x"), body...)) || verify(header(id+"x", stamp, good), body) {
			t.Fatal("accepted a signature of something else")
		}
	})
}

// carries reports whether a signature of the key is in the header, however often
// it is spelled there.
func carries(header string, key []byte, text string) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	for field := range strings.FieldsSeq(header) {
		encoded, ok := strings.CutPrefix(field, "v1,")
		if got, err := base64.StdEncoding.DecodeString(encoded); ok && err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}
