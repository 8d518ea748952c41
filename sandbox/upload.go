package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// A consent is what a bot asks with a file consent card.
type consent struct {
	Name           string          `json:"name"`
	Description    string          `json:"description"`
	SizeInBytes    int64           `json:"sizeInBytes"`
	AcceptContext  json.RawMessage `json:"acceptContext"`
	DeclineContext json.RawMessage `json:"declineContext"`
}

// consentCard shows a file consent card.
func consentCard(a activity.Attachment) (card.Card, error) {
	ask := consent{}
	if err := json.Unmarshal(a.Content, &ask); err != nil {
		return card.Card{}, fmt.Errorf("file consent card: %w", err)
	}
	if ask.Name = a.Name; ask.Name == "" || ask.SizeInBytes <= 0 {
		return card.Card{}, fmt.Errorf("file consent card: name %q, sizeInBytes %d", ask.Name, ask.SizeInBytes)
	}
	blocks := []card.Block{{Kind: card.Text, Text: ask.Name, Heading: true}}
	if ask.Description != "" {
		blocks = append(blocks, card.Block{Kind: card.Text, Text: ask.Description})
	}
	value := encode(ask)
	return card.Card{Blocks: append(blocks,
		card.Block{Kind: card.Text, Text: fmt.Sprintf("%d bytes, to your OneDrive", ask.SizeInBytes), Subtle: true},
		card.Block{Kind: card.Buttons, Actions: []card.Action{
			{Kind: allow, Title: "Allow", Value: value}, {Kind: decline, Title: "Decline", Value: value},
		}})}, nil
}

// An upload is an upload session of OneDrive
// (https://learn.microsoft.com/graph/api/driveitem-createuploadsession).
type upload struct {
	name  string
	size  int64
	bytes []byte
	file  string // the id of the whole file, once it is there
}

// newUpload opens a session and returns the uploadInfo of the invoke.
func (s *Sandbox) newUpload(p *person, ask consent) gin.H {
	id := rand.Text()
	s.update(func() { s.uploads[id] = &upload{name: ask.Name, size: ask.SizeInBytes} })
	owner := strings.ReplaceAll(strings.ToLower(p.name), " ", "_")
	return gin.H{
		"uploadUrl":  s.cfg.BaseURL + "/sharepoint/upload/" + id,
		"contentUrl": s.cfg.BaseURL + "/sharepoint/personal/" + owner + "/Documents/" + url.PathEscape(ask.Name),
		"name":       ask.Name,
		"uniqueId":   id,
		"fileType":   strings.TrimPrefix(path.Ext(ask.Name), "."),
	}
}

// takeUpload takes a piece of a file, or all of it.
func (s *Sandbox) takeUpload(q request) reply {
	if s.tokenLeaked(q) {
		return connectorError(http.StatusUnauthorized, "unauthenticated", "The URL is pre-authenticated; no token belongs here.")
	}
	var from, to, total int64
	if n, err := fmt.Sscanf(q.GetHeader("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); n != 3 || err != nil {
		return connectorError(http.StatusBadRequest, "invalidRequest", "Content-Range is missing or not of the form bytes 0-9/10.")
	}
	if q.Request.ContentLength != to-from+1 || int64(len(q.body)) != to-from+1 {
		return connectorError(http.StatusBadRequest, "invalidRequest", "The length of the body is not that of Content-Range.")
	}
	var answer reply
	s.update(func() { answer = s.addPiece(s.uploads[q.param("upload")], q.body, from, total) })
	return answer
}

// addPiece appends what continues u. It is called inside update.
func (s *Sandbox) addPiece(u *upload, piece []byte, from, total int64) reply {
	switch {
	case u == nil || u.file != "":
		return connectorError(http.StatusNotFound, "itemNotFound", "The upload session is not there, or is over.")
	case total != u.size:
		return connectorError(http.StatusBadRequest, "invalidRequest", "The file is not as large as the user was told.")
	case from != int64(len(u.bytes)):
		return connectorError(http.StatusRequestedRangeNotSatisfiable, "invalidRange", "The range does not continue the file.")
	}
	u.bytes = append(u.bytes, piece...)
	if n := int64(len(u.bytes)); n < total {
		return reply{http.StatusAccepted, gin.H{
			"expirationDateTime": time.Now().Add(downloadLife).UTC(), "nextExpectedRanges": []string{fmt.Sprintf("%d-%d", n, total-1)},
		}}
	}
	u.file = rand.Text()
	s.files.add(&file{id: u.file, name: u.name, kind: http.DetectContentType(u.bytes), content: u.bytes})
	u.bytes = nil
	return reply{http.StatusCreated, gin.H{"id": u.file, "name": u.name, "size": total}}
}

// fileInfo shows a file the bot has uploaded.
func (s *Sandbox) fileInfo(a activity.Attachment) (Shown, error) {
	var in struct{ UniqueID string }
	if err := json.Unmarshal(a.Content, &in); err != nil {
		return Shown{}, fmt.Errorf("file info card: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[in.UniqueID]
	if u == nil || u.file == "" || a.ContentURL == "" || a.Name == "" || s.files.byID[u.file] == nil {
		return Shown{}, fmt.Errorf("file info card: nothing was uploaded as %q", in.UniqueID)
	}
	return s.files.byID[u.file].shown(), nil
}
