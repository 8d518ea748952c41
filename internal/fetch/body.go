package fetch

import (
	"errors"
	"io"
	"time"
)

// What ends a body that is not read to its own end.
var (
	ErrTooLarge = errors.New("body is too large") // longer than Config.MaxBody
	ErrTooSlow  = errors.New("body is too slow")  // slower than Config.Pace
	ErrCutShort = errors.New("body is cut short") // shorter than it was announced
)

// A Pace is so many bytes in so much waiting for them. What the reader does
// meanwhile takes no time.
type Pace struct {
	Bytes  int64
	Within time.Duration
}

// A body keeps to its limits or ends with an error.
type body struct {
	io.ReadCloser
	left int64

	pace   Pace
	came   int64         // since the pace was last kept
	waited time.Duration // for that
	cancel func(error)   // ends the request
	cause  func() error  // what ended it
}

// Read implements [io.Reader]. It reads one byte more than allowed, to tell a body
// that just fits from one that does not.
func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.wait(p)
	if int64(n) > b.left {
		n, err = int(b.left), ErrTooLarge
	}
	b.left -= int64(n)
	switch {
	case errors.Is(b.cause(), ErrTooSlow):
		return n, ErrTooSlow
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, ErrCutShort
	}
	return n, err // io.EOF must stay itself
}

// wait reads while the pace is kept.
func (b *body) wait(p []byte) (int, error) {
	if b.pace.Within == 0 {
		return b.ReadCloser.Read(p)
	}
	began := time.Now()
	late := time.AfterFunc(b.pace.Within-b.waited, func() { b.cancel(ErrTooSlow) })
	n, err := b.ReadCloser.Read(p)
	late.Stop()
	b.came += int64(n)
	b.waited += time.Since(began)
	if b.came >= b.pace.Bytes {
		b.came, b.waited = 0, 0
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}
