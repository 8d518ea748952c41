package livechat_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/livechat"
)

// now is when the webhooks of the tests are checked.
var now = time.Unix(1614265330, 0)

const body = `{"test": 2432232314}`

// signed computes the signature as the specification words it: HMAC-SHA256 of
// "id.timestamp.body", in base64, behind "v1,".
func signed(key []byte, id, stamp, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{id, stamp, body}, ".")))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func header(id, stamp, signature string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", signature)
	return h
}

// TestVerifyKnownVector is the example of the Standard Webhooks libraries.
func TestVerifyKnownVector(t *testing.T) {
	t.Parallel()
	h := header("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	secrets := []env.Secret{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	if err := livechat.VerifyStandard(secrets, h, []byte(body), now); err != nil {
		t.Error(err)
	}
}

func TestVerifyAccepts(t *testing.T) {
	t.Parallel()
	key := []byte("a key of 24 bytes, or so")
	encoded := env.Secret("whsec_" + base64.StdEncoding.EncodeToString(key))
	at := func(offset time.Duration) string { return strconv.FormatInt(now.Add(offset).Unix(), 10) }
	good := signed(key, "1", at(0), body)
	for name, tc := range map[string]struct {
		secrets []env.Secret
		header  http.Header
	}{
		"an encoded secret":        {[]env.Secret{encoded}, header("1", at(0), good)},
		"a plain secret":           {[]env.Secret{env.Secret(key)}, header("1", at(0), good)},
		"a prefix without base64":  {[]env.Secret{"whsec_no base64!"}, header("1", at(0), signed([]byte("whsec_no base64!"), "1", at(0), body))},
		"the old secret":           {[]env.Secret{"new", encoded}, header("1", at(0), good)},
		"one signature of several": {[]env.Secret{encoded}, header("1", at(0), "v1,AAAA v1a,xyz "+good)},
		"five minutes late":        {[]env.Secret{encoded}, header("1", at(-5*time.Minute), signed(key, "1", at(-5*time.Minute), body))},
		"five minutes early":       {[]env.Secret{encoded}, header("1", at(5*time.Minute), signed(key, "1", at(5*time.Minute), body))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := livechat.VerifyStandard(tc.secrets, tc.header, []byte(body), now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	key := []byte("key-of-the-hub")
	stamp := strconv.FormatInt(now.Unix(), 10)
	good := signed(key, "1", stamp, body)
	at := func(stamp string) http.Header { return header("1", stamp, signed(key, "1", stamp, body)) }
	late, early := strconv.FormatInt(now.Unix()-301, 10), strconv.FormatInt(now.Unix()+301, 10)
	for name, h := range map[string]http.Header{
		"nothing":               {},
		"no id":                 header("", stamp, signed(key, "", stamp, body)),
		"no timestamp":          header("1", "", signed(key, "1", "", body)),
		"no signature":          header("1", stamp, ""),
		"blank signature":       header("1", stamp, "  "),
		"another id":            header("2", stamp, good),
		"another timestamp":     header("1", stamp+"0", good),
		"another body":          header("1", stamp, signed(key, "1", stamp, body+" ")),
		"another key":           header("1", stamp, signed([]byte("guess"), "1", stamp, body)),
		"another version":       header("1", stamp, "v2"+good[2:]),
		"no version":            header("1", stamp, good[3:]),
		"half a signature":      header("1", stamp, good[:20]),
		"empty digest":          header("1", stamp, "v1,"),
		"not base64":            header("1", stamp, "v1,%%%"),
		"too late":              at(late),
		"too early":             at(early),
		"not a number":          at("yesterday"),
		"a fraction":            at(stamp + ".5"),
		"the end of time":       at(strconv.FormatInt(math.MaxInt64, 10)),
		"the beginning of time": at(strconv.FormatInt(math.MinInt64, 10)),
		"beyond numbers":        at("99999999999999999999"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := livechat.VerifyStandard([]env.Secret{"other", env.Secret(key)}, h, []byte(body), now)
			if err == nil || errors.Is(err, livechat.ErrUnsigned) {
				t.Fatalf("error is %v, want a refusal", err)
			}
			if strings.Contains(err.Error(), string(key)) || strings.Contains(err.Error(), good[3:]) {
				t.Errorf("error tells a secret: %v", err)
			}
		})
	}
}

// A template whose variable is not set leaves such secrets behind. They are no
// reason to believe anyone, not even a peer on this machine.
func TestVerifyWithAnEmptyKey(t *testing.T) {
	t.Parallel()
	stamp := strconv.FormatInt(now.Unix(), 10)
	forged := header("1", stamp, signed(nil, "1", stamp, body))
	for _, secret := range []env.Secret{"", "whsec_"} {
		err := livechat.VerifyStandard([]env.Secret{secret}, forged, []byte(body), now)
		if err == nil || errors.Is(err, livechat.ErrUnsigned) {
			t.Errorf("%q: error is %v, want a refusal", secret.Reveal(), err)
		}
	}
}

func TestVerifyWithoutASecret(t *testing.T) {
	t.Parallel()
	err := livechat.VerifyStandard(nil, header("1", "1614265330", "v1,AAAA"), []byte(body), now)
	if !errors.Is(err, livechat.ErrUnsigned) {
		t.Errorf("error is %v, want ErrUnsigned", err)
	}
}

func TestInvalidErrorNamesTheField(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*livechat.InvalidError{
		"sender: required": {Field: "sender", Want: "required"}, "expected JSON": {Want: "expected JSON"},
	} {
		if err.Error() != want {
			t.Errorf("error reads %q, want %q", err, want)
		}
	}
}

func TestStandardID(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "", "msg_1": "msg_1", "caf\xe9": "caf\uFFFD"} {
		if got := livechat.StandardID(http.Header{"Webhook-Id": {given}}); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
