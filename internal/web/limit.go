package web

import (
	"container/list"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
)

// maxBuckets bounds how many callers, or addresses, are remembered. Who came
// longest ago is forgotten first, with what was held against them.
const maxBuckets = 10_000

// Limits are how often one caller, and strangers from one address, may come. The
// zero value limits nothing.
type Limits struct {
	PerCaller      float64 `env:"PER_CALLER, default=2000" help:"requests a second of one authenticated caller, above which it gets 429; 0: no limit"`
	PerCallerBurst int     `env:"PER_CALLER_BURST, default=4000" help:"requests of one caller at once"`
	PerIP          float64 `env:"PER_IP, default=20" help:"requests a second from one address that fail to authenticate; 0: no limit"`
	PerIPBurst     int     `env:"PER_IP_BURST, default=40" help:"the same at once"`
}

// Check returns what is wrong with the limits; prefix begins the variables' names.
func (l Limits) Check(prefix string) error {
	return errors.Join(CheckRate(prefix+"PER_CALLER", l.PerCaller, l.PerCallerBurst), CheckRate(prefix+"PER_IP", l.PerIP, l.PerIPBurst))
}

// CheckRate returns what is wrong with one limit, which a variable and another with
// _BURST behind its name set.
func CheckRate(variable string, perSecond float64, burst int) error {
	switch {
	case !(perSecond >= 0): // also what is no number
		return fmt.Errorf("%s: must not be negative", variable)
	case perSecond > 0 && burst < 1:
		return fmt.Errorf("%s_BURST: must be positive", variable)
	}
	return nil
}

// A Limiter keeps a door within its Limits. A nil one limits nothing.
//
// Whoever proves who they are is counted alone: what strangers do from the same
// address is never held against them, or anybody behind a proxy could shut the
// door for all.
type Limiter struct {
	callers, strangers *buckets
}

// NewLimiter returns a Limiter with full buckets.
func NewLimiter(l Limits) *Limiter {
	return &Limiter{
		callers:   newBuckets(rate.Limit(l.PerCaller), l.PerCallerBurst),
		strangers: newBuckets(rate.Limit(l.PerIP), l.PerIPBurst),
	}
}

// Admit counts a request of a caller who has proved to be one. Above the limit
// its error is a 429.
func (l *Limiter) Admit(caller string) error {
	if l == nil {
		return nil
	}
	return tooMany(l.callers.take(caller), nil)
}

// Refuse counts a request that was refused with err as a stranger's, if err is a
// 401 or a 403. It returns err or what [Limiter.Stranger] does.
func (l *Limiter) Refuse(c *gin.Context, err error) error {
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusForbidden {
		return err
	}
	if over := l.Stranger(c, err); over != nil {
		return over
	}
	return err
}

// Stranger counts a request of somebody who could not prove who they are, for the
// reason cause. Above the limit its error is a 429 that also ends the connection.
func (l *Limiter) Stranger(c *gin.Context, cause error) error {
	if l == nil {
		return nil
	}
	over := tooMany(l.strangers.take(network(c.Request.RemoteAddr)), cause)
	if over != nil {
		c.Header("Connection", "close")
	}
	return over
}

func tooMany(wait time.Duration, cause error) error {
	if wait <= 0 {
		return nil
	}
	return &Error{Status: http.StatusTooManyRequests, Text: "too many requests, come again later", Err: cause, RetryAfter: wait}
}

// network is an address as it is counted: in version 6 its /64, which is what one
// subscriber has.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return prefix.String()
}

// buckets holds a token bucket for each key, the latest used first.
type buckets struct {
	limit rate.Limit
	burst int

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *bucket
}

type bucket struct {
	key    string
	tokens *rate.Limiter
}

func newBuckets(limit rate.Limit, burst int) *buckets {
	return &buckets{limit: limit, burst: burst, byKey: map[string]*list.Element{}, order: list.New()}
}

// take takes a token of key, or returns how long to wait for one.
func (b *buckets) take(key string) time.Duration {
	if b.limit <= 0 {
		return 0
	}
	now := time.Now()
	reservation := b.of(key).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // who is refused has taken nothing
	}
	return wait
}

func (b *buckets) of(key string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.byKey[key]; ok {
		b.order.MoveToFront(e)
		return e.Value.(*bucket).tokens //nolint:forcetypeassert // the list holds nothing else
	}
	fresh := &bucket{key: key, tokens: rate.NewLimiter(b.limit, b.burst)}
	b.byKey[key] = b.order.PushFront(fresh)
	if b.order.Len() > maxBuckets {
		oldest := b.order.Back()
		delete(b.byKey, b.order.Remove(oldest).(*bucket).key) //nolint:forcetypeassert // the same
	}
	return fresh.tokens
}
