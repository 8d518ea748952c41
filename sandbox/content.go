package sandbox

import (
	"mime"
	"net/http"
	"strconv"
	"time"
)

// pieces is into how much a body that drips is cut, in bytes.
const pieces = 1 << 10

// A content is a body that is a file.
type content struct {
	name, kind string
	bytes      []byte
	size       int64         // a fault: so many bytes come, whatever was announced; 0 for as many as there are
	drip       time.Duration // a fault: the time between two pieces
}

// write sends c, saved rather than shown unless it is a picture.
func (c content) write(q request, status int) {
	kind, disposition := "application/octet-stream", "attachment"
	if isPicture(c.kind) {
		kind, disposition = c.kind, "inline"
	}
	q.Header("Content-Type", kind)
	q.Header("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": c.name}))
	q.Header("X-Content-Type-Options", "nosniff")
	q.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	q.Header("Cache-Control", "private, max-age=300")
	left := int64(len(c.bytes))
	if c.size > left {
		left = c.size
	} else {
		q.Header("Content-Length", strconv.Itoa(len(c.bytes)))
		if c.size > 0 {
			left = c.size
		}
	}
	q.Status(status)
	q.Writer.WriteHeaderNow()
	c.pour(q, left)
}

// pour writes left bytes, zeros after the last of the file, until the reader has
// had enough.
func (c content) pour(q request, left int64) {
	zeros := make([]byte, pieces)
	rest := c.bytes
	for left > 0 {
		piece := rest[:min(len(rest), pieces)]
		rest = rest[len(piece):]
		if len(piece) == 0 {
			piece = zeros
		}
		piece = piece[:min(int64(len(piece)), left)]
		if _, err := q.Writer.Write(piece); err != nil {
			return
		}
		left -= int64(len(piece))
		if c.drip <= 0 {
			continue
		}
		_ = http.NewResponseController(q.Writer).Flush() // a recorder has nothing to flush
		if !pause(q.Request.Context(), c.drip) {
			return
		}
	}
}
