package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// stuck is how long a connection may be silent before a run is given up.
const stuck = time.Minute

// A wire is one connection that speaks just enough HTTP/1.1: bodies have a
// length, connections stay open. net/http's client and server would cost the
// machine as much as the service under test.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	line []byte // the first line of the last message
	body []byte // its body
	auth bool   // it had Authorization or X-API-Key
}

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}
}

func dial(ctx context.Context, addr string) (*wire, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return newWire(conn), nil
}

// read reads the next message. What it leaves in the wire lasts until the next.
func (w *wire) read() error {
	line, err := w.r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read first line: %w", err)
	}
	w.line, w.auth = append(w.line[:0], bytes.TrimSpace(line)...), false
	length := 0
	for {
		line, err := w.r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read header: %w", err)
		}
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		switch {
		case !ok && len(name) == 0:
			return w.readBody(length)
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return fmt.Errorf("read length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return errors.New("a body without a length")
		case bytes.EqualFold(name, []byte("Authorization")), bytes.EqualFold(name, []byte("X-API-Key")):
			w.auth = len(bytes.TrimSpace(value)) > 0
		}
	}
}

func (w *wire) readBody(length int) error {
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	if _, err := io.ReadFull(w.r, w.body); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return nil
}

// post writes a request as it is and returns the status of the answer.
func (w *wire) post(request []byte) (int, error) {
	if err := w.conn.SetDeadline(time.Now().Add(stuck)); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	if err := w.read(); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	_, rest, _ := bytes.Cut(w.line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil {
		return 0, fmt.Errorf("post: status line %q", w.line)
	}
	return status, nil
}

// path returns the path of a request.
func (w *wire) path() []byte {
	_, rest, _ := bytes.Cut(w.line, []byte(" "))
	path, _, _ := bytes.Cut(rest, []byte(" "))
	return path
}
