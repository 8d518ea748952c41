package contoso

import (
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// visitorLimits bound what one visitor does, and what comes from one address, of
// which a visitor without a cookie has nothing else.
type visitorLimits struct {
	address *web.Limiter // whatever is said, and begun
	opening *web.Limiter // conversations that are new
	visitor *web.Limiter
	crowd   crowd
}

func newVisitorLimits(c Canvas) *visitorLimits {
	return &visitorLimits{
		address: web.NewLimiter(web.Limits{PerIP: c.PerIP, PerIPBurst: c.PerIPBurst}),
		opening: web.NewLimiter(web.Limits{PerIP: c.OpenPerIP, PerIPBurst: c.OpenPerIPBurst}),
		visitor: web.NewLimiter(web.Limits{PerCaller: c.PerVisitor, PerCallerBurst: c.PerVisitorBurst}),
		crowd:   crowd{each: c.StreamsPerVisitor, all: c.Streams, in: map[string]int{}},
	}
}

// stranger counts what somebody does who need not prove who they are.
func (l *visitorLimits) stranger(c *gin.Context) error { return l.address.Stranger(c, nil) }

// open counts a conversation that somebody begins.
func (l *visitorLimits) open(c *gin.Context) error { return l.opening.Stranger(c, nil) }

// act counts what a visitor does beside looking. Typing, which tells nobody anything
// new for long, is counted by itself: it must not use up their words.
func (l *visitorLimits) act(c *gin.Context, visitor string) error {
	switch {
	case c.Request.Method == http.MethodGet:
		return nil
	case c.FullPath() == ownTypingRoute:
		return l.visitor.Admit("typing " + visitor)
	}
	return l.visitor.Admit(visitor)
}

// A crowd is who follows a stream at this moment.
type crowd struct {
	each, all int // how many one visitor may, and all together; 0: any number

	mu    sync.Mutex
	in    map[string]int // by visitor
	total int
}

// crowded is when to look again: a page that was closed is noticed by then, unless
// its network vanished with it.
const crowded = eventPing

// enter counts a stream until leave is called. One too many is a 429.
func (c *crowd) enter(visitor string) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.each > 0 && c.in[visitor] >= c.each:
		return nil, &web.Error{Status: http.StatusTooManyRequests, Text: "too many pages of yours are open", RetryAfter: crowded}
	case c.all > 0 && c.total >= c.all:
		return nil, &web.Error{Status: http.StatusTooManyRequests, Text: "too many pages are open, come again later", RetryAfter: crowded}
	}
	c.in[visitor]++
	c.total++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.total--
		if c.in[visitor]--; c.in[visitor] == 0 {
			delete(c.in, visitor)
		}
	}, nil
}
