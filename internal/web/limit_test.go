package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// door lets in who names themselves in X-Caller.
func door(limits web.Limits) http.Handler {
	log, _ := record()
	l := web.NewLimiter(limits)
	r := web.NewEngine(log)
	r.GET("/", web.Handle(log, func(c *gin.Context) error {
		switch caller := c.GetHeader("X-Caller"); caller {
		case "":
			return l.Refuse(c, &web.Error{Status: http.StatusUnauthorized, Text: "who are you?"})
		case "unlucky":
			return l.Refuse(c, web.Unavailable(errors.New("no keys")))
		default:
			if err := l.Admit(caller); err != nil {
				return err
			}
			c.Status(http.StatusNoContent)
			return nil
		}
	}))
	return r
}

func knock(t *testing.T, h http.Handler, from, caller string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = from
	if caller != "" {
		r.Header.Set("X-Caller", caller)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const here, there = "192.0.2.1:1000", "192.0.2.2:1000"

func TestACallerIsLimitedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := door(web.Limits{PerCaller: 0.5, PerCallerBurst: 3})
		expect := func(want int, from, caller string) {
			t.Helper()
			if got := knock(t, h, from, caller); got.Code != want {
				t.Errorf("%s: %d, want %d", caller, got.Code, want)
			}
		}
		for range 3 {
			expect(204, here, "ann")
		}
		over := knock(t, h, there, "ann")
		if over.Code != 429 || over.Header().Get("Retry-After") != "2" || over.Body.String() != `{"error":"too many requests, come again later"}` {
			t.Errorf("above the limit: %d, %v %s", over.Code, over.Header(), over.Body)
		}
		expect(204, here, "bob")
		<-time.After(2 * time.Second) // who was refused has taken nothing
		expect(204, here, "ann")
		expect(429, here, "ann")
		<-time.After(time.Hour)
		for range 3 { // a bucket holds no more than its burst
			expect(204, here, "ann")
		}
		expect(429, here, "ann")
	})
}

func TestStrangersAreLimitedByAddressAndHurtNobodyElse(t *testing.T) {
	t.Parallel()
	h := door(web.Limits{PerCaller: 1, PerCallerBurst: 100, PerIP: 0.01, PerIPBurst: 2})
	for i, tc := range []struct {
		from, caller string
		want         int
	}{
		{here, "", 401},
		{here, "", 401},
		{here, "", 429},
		{here, "", 429},
		{here, "ann", 204}, // good credentials from the same address
		{here, "unlucky", 503},
		{there, "", 401},
		{"[2001:db8:0:1::1]:1", "", 401},
		{"[2001:db8:0:1:ffff::2]:2", "", 401},
		{"[2001:db8:0:1::3]:3", "", 429}, // one subscriber
		{"[2001:db8:0:2::1]:1", "", 401},
		{"[::ffff:192.0.2.1]:1000", "", 429}, // version 4 all the same
	} {
		got := knock(t, h, tc.from, tc.caller)
		if got.Code != tc.want {
			t.Errorf("%d: %s %q: %d, want %d", i, tc.from, tc.caller, got.Code, tc.want)
		}
		if closes := got.Header().Get("Connection") == "close"; closes != (tc.want == 429) {
			t.Errorf("%d: connection ends: %t", i, closes)
		}
	}
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	h := door(web.Limits{})
	for range 1000 {
		if got := knock(t, h, here, "ann"); got.Code != 204 {
			t.Fatalf("a caller: %d", got.Code)
		}
		if got := knock(t, h, here, ""); got.Code != 401 {
			t.Fatalf("a stranger: %d", got.Code)
		}
	}
	var none *web.Limiter
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	refusal := errors.New("refused")
	if err := none.Admit("ann"); err != nil || none.Stranger(c, nil) != nil || !errors.Is(none.Refuse(c, refusal), refusal) {
		t.Error("no limiter limits")
	}
}

// Whoever invents callers or addresses makes old ones forgotten, not memory grow.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	h := door(web.Limits{PerIP: 0.0001, PerIPBurst: 1})
	address := func(i int) string { return fmt.Sprintf("10.%d.%d.%d:1", i>>16&255, i>>8&255, i&255) }
	const remembered = 10_000
	for i := range remembered {
		knock(t, h, address(i), "")
	}
	if got := knock(t, h, address(0), ""); got.Code != 429 {
		t.Errorf("the first of %d: %d, want it remembered", remembered, got.Code)
	}
	knock(t, h, address(remembered), "")
	if got := knock(t, h, address(0), ""); got.Code != 429 {
		t.Errorf("who came lately: %d, want it remembered", got.Code)
	}
	if got := knock(t, h, address(1), ""); got.Code != 401 {
		t.Errorf("who came longest ago: %d, want it forgotten", got.Code)
	}
}

func TestLimitsOverANetwork(t *testing.T) {
	t.Parallel()
	s := serve(t, door(web.Limits{PerCaller: 0.01, PerCallerBurst: 5}), time.Second)
	codes := make(chan int, 40)
	for range cap(codes) {
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
			if err != nil {
				codes <- 0
				return
			}
			req.Header.Set("X-Caller", "ann")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				codes <- 0
				return
			}
			_ = resp.Body.Close()
			if seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")); (seconds > 0) != (resp.StatusCode == 429) {
				codes <- -seconds
				return
			}
			codes <- resp.StatusCode
		}()
	}
	count := map[int]int{}
	for range cap(codes) {
		count[wait(t, "an answer", codes)]++
	}
	if count[204] != 5 || count[429] != 35 {
		t.Errorf("answered %v, want 5 of 40 let in", count)
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}
