package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/wwwroot"
)

// maxText bounds what a user says at once, in bytes.
const maxText = 64 << 10

// pingEvery keeps proxies and the page content while nothing happens.
const pingEvery = 15 * time.Second

// mountPage adds the page that looks like Teams, and its API.
func (s *Sandbox) mountPage(r *gin.Engine) {
	web.Pages(r, wwwroot.Teams())
	api := r.Group("/api", s.sameOrigin())
	api.GET("/people", web.Handle(s.log, s.listPeople))
	api.GET("/people/:name/events", web.Handle(s.log, s.streamChat))
	api.GET("/faults", web.Handle(s.log, s.listFaults))
	api.POST("/faults", web.Handle(s.log, s.orderFault))
	api.DELETE("/faults", web.Handle(s.log, s.endFaults))
	api.POST("/tokens", web.Handle(s.log, s.giveToken))
	s.mountPlay(api)
}

// sameOrigin keeps other sites' pages from speaking for the user.
func (s *Sandbox) sameOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return web.Handle(s.log, func(c *gin.Context) error {
		if err := protection.Check(c.Request); err != nil {
			return &web.Error{Status: http.StatusForbidden, Text: "requests of other sites are refused", Err: err}
		}
		return nil
	})
}

// listPeople answers who can be played.
func (s *Sandbox) listPeople(c *gin.Context) error {
	type entry struct {
		Name   string `json:"name"`
		Holder Holder `json:"holder"`
		Bot    string `json:"bot,omitempty"` // the service's own, with which there is a second chat
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	people := make([]entry, 0, len(s.people))
	for _, p := range s.people {
		e := entry{Name: p.name, Holder: p.holder}
		if p.own != nil {
			e.Bot = botName
		}
		people = append(people, e)
	}
	c.JSON(http.StatusOK, people)
	return nil
}

// known finds a user by the path, in the chat that the query names, and makes none.
func (s *Sandbox) known(c *gin.Context) (*person, error) {
	name := request{Context: c}.param("name")
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byName[name]
	if p != nil && c.Query("chat") == "bot" {
		p = p.own
	}
	if p == nil {
		return nil, &web.Error{Status: http.StatusNotFound, Text: "nobody of that name, or no such chat"}
	}
	return p, nil
}

// streamChat sends a chat from where the page left it, and what happens next.
func (s *Sandbox) streamChat(c *gin.Context) error {
	p, err := s.known(c)
	if err != nil {
		return err
	}
	stream, err := web.NewStream(c)
	if err != nil {
		return nil // the page is gone; it will come back
	}
	after := web.LastEventID(c)
	err = stream.Send(0, "chat", gin.H{"conversation": p.conversation})
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for err == nil {
		events, changed := s.eventsAfter(p, after)
		for _, e := range events {
			err = cmp.Or(err, stream.Send(e.Seq, e.kind(), e))
			after = e.Seq
		}
		select {
		case <-changed:
		case <-ping.C:
			err = cmp.Or(err, stream.Ping())
		case <-c.Request.Context().Done():
			return nil
		case <-web.Draining(c.Request.Context()):
			return nil
		}
	}
	return nil
}

// kind names an event for the page.
func (e event) kind() string {
	switch {
	case e.Line != nil:
		return "line"
	case e.Holder != "":
		return "holder"
	case e.App != "":
		return "app"
	}
	return "typing"
}

func (s *Sandbox) eventsAfter(p *person, seq int64) ([]event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(p.events, seq, func(e event, seq int64) int { return cmp.Compare(e.Seq, seq) })
	if found {
		i++
	}
	return slices.Clone(p.events[i:]), s.changed
}
