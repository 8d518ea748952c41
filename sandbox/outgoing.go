package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// Limits of a bot's pictures in a chat
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
const (
	maxPicture     = 1 << 20
	pictureTimeout = 5 * time.Second
)

// shownSuggestions is how many suggested actions Teams shows
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/suggested-actions).
const shownSuggestions = 3

// outgoing is an activity as bots and skills post it.
type outgoing struct {
	activity.Activity
	Suggested struct {
		Actions []json.RawMessage `json:"actions"`
	} `json:"suggestedActions"`
}

// size is what counts towards the limit of Teams: the body in UTF-16, without the
// pictures within.
func (o outgoing) size(body []byte) int {
	size := 2 * len(utf16.Encode([]rune(string(body))))
	for _, a := range o.Attachments {
		if strings.HasPrefix(a.ContentURL, "data:image/") {
			size -= 2 * len(a.ContentURL)
		}
	}
	return size
}

// line is what the chat shows of a message.
func (s *Sandbox) line(ctx context.Context, out outgoing) (Line, error) {
	l := Line{Text: out.Text, Format: out.TextFormat}
	for i, a := range out.Attachments {
		if err := s.attachment(ctx, &l, a); err != nil {
			return Line{}, fmt.Errorf("attachment %d: %w", i+1, err)
		}
	}
	suggested, err := card.ParseActions(out.Suggested.Actions)
	if err != nil {
		return Line{}, fmt.Errorf("suggested actions: %w", err)
	}
	if slices.ContainsFunc(suggested, func(a card.Action) bool { return a.Kind != card.IMBack }) {
		return Line{}, errors.New("suggested actions: Teams takes imBack only")
	}
	if len(suggested) > 0 && len(out.Attachments) > 0 {
		s.violate("suggested actions beside attachments are not shown")
		suggested = nil
	}
	l.Suggested = suggested[:min(len(suggested), shownSuggestions)]
	l.Through, err = behalf(out.ChannelData)
	return l, err
}

// behalf returns the name of the person on whose behalf a bot speaks, "" for none:
// the client then names the sender "<person> through <app>"
// (https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/respond-to-task-module-submit).
func behalf(channelData json.RawMessage) (string, error) {
	var data struct {
		OnBehalfOf []struct {
			ItemID      int    `json:"itemid"`
			MentionType string `json:"mentionType"`
			MRI         string `json:"mri"`
			DisplayName string `json:"displayName"`
		} `json:"onBehalfOf"`
	}
	_ = json.Unmarshal(channelData, &data) // of any shape; only this one is known
	if len(data.OnBehalfOf) == 0 {
		return "", nil
	}
	who := data.OnBehalfOf[0]
	if len(data.OnBehalfOf) > 1 || who.ItemID != 0 || who.MentionType != "person" || who.MRI == "" || who.DisplayName == "" {
		return "", errors.New("onBehalfOf: Teams takes one person, item 0, with mri and displayName")
	}
	return who.DisplayName, nil
}

// attachment adds an attachment to a line.
func (s *Sandbox) attachment(ctx context.Context, l *Line, a activity.Attachment) error {
	switch {
	case a.ContentType == card.TypeAdaptive || a.ContentType == card.TypeHero:
		c, err := card.Parse(a.ContentType, a.Content)
		l.Cards = append(l.Cards, c)
		return err
	case a.ContentType == typeConsent:
		c, err := consentCard(a)
		l.Cards = append(l.Cards, c)
		return err
	case a.ContentType == typeFileInfo:
		f, err := s.fileInfo(a)
		l.Files = append(l.Files, f)
		return err
	case strings.HasPrefix(a.ContentType, "image/"):
		f, err := s.picture(ctx, a)
		if err == nil {
			l.Files = append(l.Files, f.shown())
		}
		return err
	}
	return fmt.Errorf("content type %q is not taken from bots", a.ContentType)
}

// picture takes a picture, from the message itself or from where it says.
func (s *Sandbox) picture(ctx context.Context, a activity.Attachment) (*file, error) {
	if !isPicture(a.ContentType) {
		return nil, fmt.Errorf("%s is no picture Teams shows", a.ContentType)
	}
	var bytes []byte
	var err error
	if data, ok := strings.CutPrefix(a.ContentURL, "data:"+a.ContentType+";base64,"); ok {
		bytes, err = base64.StdEncoding.DecodeString(data)
	} else {
		bytes, err = s.fetchPicture(ctx, a.ContentURL)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("picture: %w", err)
	case len(bytes) > maxPicture:
		return nil, fmt.Errorf("picture: larger than %d bytes", maxPicture)
	case http.DetectContentType(bytes) != a.ContentType:
		return nil, fmt.Errorf("picture: the content is not %s", a.ContentType)
	}
	return s.keep(a.Name, a.ContentType, bytes), nil
}

// fetchPicture gets what the client of Teams would get: without a credential, by
// https, or by http from this very machine.
func (s *Sandbox) fetchPicture(ctx context.Context, raw string) ([]byte, error) {
	target, err := url.Parse(raw)
	if err != nil || target.Host == "" {
		return nil, errors.New("contentUrl is no URL")
	}
	local := net.ParseIP(target.Hostname()).IsLoopback() || target.Hostname() == "localhost"
	if target.Scheme != "https" && (target.Scheme != "http" || !local) {
		return nil, errors.New("contentUrl is not https")
	}
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, errors.New("contentUrl does not answer") // err would name the whole URL
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("contentUrl answers %d", resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
}

// refused is the connector's answer to content it does not take.
func refused(err error) *reply {
	r := connectorError(http.StatusBadRequest, "BadArgument", err.Error())
	return &r
}
