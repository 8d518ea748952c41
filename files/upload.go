package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// MaxUpload is the longest file that one request of an upload session takes
// (https://learn.microsoft.com/graph/api/driveitem-createuploadsession).
const MaxUpload = 60 << 20

// Upload puts the content of a ready file where rawURL says, an upload session of
// OneDrive that is its own credential. Only hosts of Config.Uploads get it, and those
// on public addresses, or the origins of the [Peer] named ""; no redirect is followed.
// An [*Error] says that it is pointless to go on.
func (s *Store) Upload(ctx context.Context, id ID, rawURL string) error {
	to, err := url.Parse(rawURL)
	if err != nil || !s.uploadsTo(to) {
		return fmt.Errorf("upload file: %w", &Error{Refused, errors.New("not a host that files are uploaded to")})
	}
	f, content, err := s.Open(ctx, id)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, rawURL, io.NopCloser(content))
	if err != nil {
		return fmt.Errorf("upload file: %w", &Error{Refused, errors.New("URL cannot be read")})
	}
	req.ContentLength = f.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", f.Size-1, f.Size))
	resp, err := s.uploads.Do(req)
	if err != nil {
		return fmt.Errorf("upload file: %w", failure(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("upload file: %w", refusal(resp))
	}
	return nil
}

// uploadsTo reports whether the URL is at one of the hosts of Config.Uploads, or at
// one of the origins that are known in advance.
func (s *Store) uploadsTo(to *url.URL) bool {
	at := func(raw string) bool {
		o, err := url.Parse(raw)
		return err == nil && o.Scheme == to.Scheme && strings.EqualFold(o.Host, to.Host)
	}
	if to.User == nil && slices.ContainsFunc(s.opt.Peers[""].Origins, at) {
		return true
	}
	host := strings.ToLower(to.Hostname())
	return to.Scheme == "https" && to.User == nil && to.Port() == "" &&
		slices.ContainsFunc(s.opt.Uploads, func(domain string) bool {
			return strings.HasSuffix(host, "."+strings.ToLower(strings.TrimSpace(domain)))
		})
}

// uploading is a client that follows no redirect: whoever is redirected to would get
// the file.
func (s *Store) uploading(p Peer) (*http.Client, error) {
	client, err := s.client(Peer{Origins: p.Origins})
	if err != nil {
		return nil, err
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, nil
}
