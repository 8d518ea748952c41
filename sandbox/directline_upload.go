package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// typeActivity is the content type of the activity within an upload.
const typeActivity = "application/vnd.microsoft.activity"

// An activityFile is a file that came over Direct Line.
type activityFile struct {
	kind    string
	content []byte
}

// upload takes files, and the activity they belong to if one comes with them.
func (d *directLine) upload(q request, c client, t *talk) reply {
	_, params, err := mime.ParseMediaType(q.GetHeader("Content-Type"))
	if err != nil {
		return connectorError(http.StatusBadRequest, "BadArgument", "The body is not multipart.")
	}
	a := activity.Activity{Type: activity.TypeMessage, From: activity.Account{ID: q.Query("userId")}}
	var files []activity.Attachment
	parts := multipart.NewReader(bytes.NewReader(q.body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return connectorError(http.StatusBadRequest, "BadArgument", "The body is not multipart.")
		}
		content, err := io.ReadAll(part)
		kind := part.Header.Get("Content-Type")
		switch {
		case err != nil:
			return connectorError(http.StatusBadRequest, "BadArgument", "A part breaks off.")
		case strings.HasPrefix(kind, typeActivity):
			if json.Unmarshal(content, &a) != nil {
				return connectorError(http.StatusBadRequest, "BadSyntax", "The part is not an activity.")
			}
		default:
			files = append(files, d.keepFile(part.FileName(), kind, content))
		}
	}
	if len(files) == 0 {
		return connectorError(http.StatusBadRequest, "BadArgument", "There is no file.")
	}
	a.Attachments = files
	return d.take(c, t, a)
}

func (d *directLine) keepFile(name, kind string, content []byte) activity.Attachment {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := rand.Text()
	d.uploaded[id] = activityFile{kind, content}
	return activity.Attachment{ContentType: kind, ContentURL: d.base + "/directline/attachments/" + id, Name: name}
}

// attachment serves an uploaded file to who knows its URL.
func (d *directLine) attachment(q request) reply {
	d.mu.Lock()
	f, ok := d.uploaded[q.param("file")]
	d.mu.Unlock()
	if !ok {
		return connectorError(http.StatusNotFound, "BadArgument", "The file is not there.")
	}
	return reply{http.StatusOK, f}
}
