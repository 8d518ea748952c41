package sandbox

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// Content types of attachments that are files
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4).
const (
	typeDownload = "application/vnd.microsoft.teams.file.download.info"
	typeFileInfo = "application/vnd.microsoft.teams.card.file.info"
	typeConsent  = "application/vnd.microsoft.teams.card.file.consent"
)

// downloadLife is how long a download URL is good. Teams speaks of minutes.
const downloadLife = 15 * time.Minute

// keepFiles bounds how many files are remembered. They do not outlive the process.
const keepFiles = 200

// A Shown is a file as the chat shows it.
type Shown struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int64  `json:"size"`
	URL     string `json:"url"` // on the page; a link the bot gave leads elsewhere
	Picture bool   `json:"picture,omitempty"`
}

// A file is content with the ways to it.
type file struct {
	id         string
	name, kind string
	content    []byte
	expires    time.Time // of the download URL
	app        string    // of the bot that may have it behind the connector; "" for any
}

// A filing keeps the latest files. Sandbox.mu guards it.
type filing struct {
	byID  map[string]*file
	order []string
}

// add drops the oldest file of too many.
func (k *filing) add(f *file) {
	k.byID[f.id] = f
	if k.order = append(k.order, f.id); len(k.order) > keepFiles {
		delete(k.byID, k.order[0])
		k.order = k.order[1:]
	}
}

// keep files content.
func (s *Sandbox) keep(name, kind string, bytes []byte) *file {
	f := &file{id: rand.Text(), name: name, kind: kind, content: bytes, expires: time.Now().Add(downloadLife)}
	s.update(func() { s.files.add(f) })
	return f
}

func (s *Sandbox) fileOf(id string) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files.byID[id]
}

// shown is f as the page shows it.
func (f *file) shown() Shown {
	return Shown{Name: f.name, Type: f.kind, Size: int64(len(f.content)), URL: "api/files/" + f.id, Picture: isPicture(f.kind)}
}

// isPicture reports whether Teams shows the media type in the chat.
func isPicture(kind string) bool {
	return kind == "image/png" || kind == "image/jpeg" || kind == "image/gif"
}

// attach makes the attachment of what a user sends.
func (s *Sandbox) attach(p *person, in File) (activity.Attachment, Shown) {
	f := s.keep(in.Name, in.Type, in.Content)
	s.update(func() { f.app = s.appOf(p) })
	if in.Inline {
		// Teams does not say which picture it is, nor its name.
		return activity.Attachment{ContentType: "image/*", ContentURL: s.connectorURL() + "v3/attachments/" + f.id + "/views/original"}, f.shown()
	}
	owner := strings.ReplaceAll(strings.ToLower(p.name), " ", "_")
	return activity.Attachment{
		ContentType: typeDownload,
		ContentURL:  s.cfg.BaseURL + "/sharepoint/personal/" + owner + "/Documents/" + url.PathEscape(in.Name),
		Name:        in.Name,
		Content: encode(map[string]string{
			"downloadUrl": s.cfg.BaseURL + "/sharepoint/download/" + f.id + "?tempauth=" + rand.Text(),
			"uniqueId":    f.id,
			"fileType":    strings.TrimPrefix(path.Ext(in.Name), "."),
		}),
	}, f.shown()
}

// ExpireDownloads ends the life of all download URLs given so far.
func (s *Sandbox) ExpireDownloads() {
	s.update(func() {
		for _, f := range s.files.byID {
			f.expires = time.Time{}
		}
	})
}

// mountFiles adds where files are: OneDrive's downloads and upload sessions, the
// connector's attachments, and the page's own view.
func (s *Sandbox) mountFiles(r gin.IRouter) {
	r.GET("/sharepoint/download/:file", s.on(Files, s.download))
	r.PUT("/sharepoint/upload/:upload", s.on(Files, s.takeUpload))
	r.GET("/teams/v3/attachments/:file", s.on(Files, s.asBot(s.attachmentInfo)))
	r.GET("/teams/v3/attachments/:file/views/:view", s.on(Files, s.asBot(s.attachmentView)))
	r.GET("/api/files/:file", s.showFile)
}

// download serves a URL that is its own credential: a token beside it is in the
// wrong hands.
func (s *Sandbox) download(q request) reply {
	if s.tokenLeaked(q) {
		return connectorError(http.StatusUnauthorized, "unauthenticated", "The URL is pre-authenticated; no token belongs here.")
	}
	f := s.fileOf(q.param("file"))
	if f == nil {
		return connectorError(http.StatusNotFound, "itemNotFound", "The file is not there.")
	}
	s.mu.Lock()
	expired := time.Now().After(f.expires)
	s.mu.Unlock()
	if expired || q.Query("tempauth") == "" {
		return connectorError(http.StatusForbidden, "accessDenied", "The URL has expired.")
	}
	return reply{http.StatusOK, content{name: f.name, kind: "application/octet-stream", bytes: f.content}}
}

// tokenLeaked notes a token that was sent where none belongs.
func (s *Sandbox) tokenLeaked(q request) bool {
	leaked := q.GetHeader("Authorization") != ""
	if leaked {
		s.violate("token leaked: %s with Authorization to a pre-authenticated URL", q.Request.Method)
	}
	return leaked
}

// attachmentInfo describes a picture a user pasted.
func (s *Sandbox) attachmentInfo(q request) reply {
	f := s.fileOf(q.param("file"))
	if f == nil {
		return connectorError(http.StatusNotFound, "NotFound", "Attachment not found.")
	}
	return reply{http.StatusOK, gin.H{
		"name": f.name, "type": f.kind, "views": []gin.H{{"viewId": "original", "size": len(f.content)}},
	}}
}

func (s *Sandbox) attachmentView(q request) reply {
	f := s.fileOf(q.param("file"))
	if f == nil || q.param("view") != "original" || f.app != q.app {
		return connectorError(http.StatusNotFound, "NotFound", "Attachment not found.")
	}
	return reply{http.StatusOK, content{name: f.name, kind: f.kind, bytes: f.content}}
}

// showFile serves the page.
func (s *Sandbox) showFile(c *gin.Context) {
	q := request{Context: c}
	f := s.fileOf(q.param("file"))
	if f == nil {
		c.Status(http.StatusNotFound)
		return
	}
	content{name: f.name, kind: f.kind, bytes: f.content}.write(q, http.StatusOK)
}
