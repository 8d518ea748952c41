package directline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// typeActivity is the content type of the activity within an upload.
const typeActivity = "application/vnd.microsoft.activity"

// A File is what a user sends that is not text.
type File struct {
	Name        string
	ContentType string
	Content     io.Reader
}

// Upload is Post with files, which Direct Line keeps for a day. After an error
// their content may have been read.
func (c *Conversation) Upload(ctx context.Context, p Post, files ...File) error {
	c.touch()
	if p.Again {
		if there, err := c.find(ctx, p.Key); err != nil || there {
			return err
		}
	}
	body, err := c.body(p)
	if err != nil {
		return err
	}
	content, kind, err := form(body, files)
	if err != nil {
		return fmt.Errorf("write upload: %w", err)
	}
	r := jsonhttp.Request{
		URL:    "?" + url.Values{"userId": {c.State().User}}.Encode(),
		Header: http.Header{"Content-Type": {kind}}, Content: content,
	}
	if err := c.call(ctx, r, "upload"); err != nil {
		return fmt.Errorf("upload to copilot: %w", err)
	}
	return nil
}

// form is the multipart body of an upload. The files are read as it is sent.
func form(activity []byte, files []File) (io.Reader, string, error) {
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {typeActivity}, "Content-Disposition": {`form-data; name="activity"`}})
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(activity); err != nil {
		return nil, "", err
	}
	var all []io.Reader
	cut := func() { all = append(all, bytes.NewReader(bytes.Clone(frame.Bytes()))); frame.Reset() }
	for _, f := range files {
		_, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Type": {f.ContentType}, "Content-Disposition": {multipart.FileContentDisposition("file", f.Name)},
		})
		if err != nil {
			return nil, "", err
		}
		cut()
		all = append(all, f.Content)
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	cut()
	return io.MultiReader(all...), w.FormDataContentType(), nil
}
