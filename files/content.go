package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// Content is the content of a ready file, as a stream. It reads one part at a time
// in a query of its own; what it reads may be deleted meanwhile, and then it ends
// with [ErrNotFound]. It is for one goroutine.
type Content struct {
	load func(n int64) ([]byte, error)
	size int64
	at   int64

	part []byte // the part that was read last
	n    int64  // its number
}

// Open returns a ready file with its content, which lasts as long as ctx does. Of
// a file that has failed the error is an [*Error]; that one is still pending is
// not permanent.
func (s *Store) Open(ctx context.Context, id ID) (File, *Content, error) {
	f, err := Get(ctx, s.opt.Pool, id)
	switch {
	case err != nil:
		return File{}, nil, err
	case f.State == Failed:
		return f, nil, fmt.Errorf("open file: %w", &Error{Failure: f.Failure})
	case f.State == Pending:
		return f, nil, errors.New("open file: its content is not here yet")
	}
	load := func(n int64) ([]byte, error) { return s.part(ctx, id, n) }
	return f, &Content{load: load, size: f.Size, n: -1}, nil
}

const partSQL = `
	SELECT content
	FROM file_part
	WHERE file = @id
	  AND n = @n`

func (s *Store) part(ctx context.Context, id ID, n int64) ([]byte, error) {
	rows, _ := s.opt.Pool.Query(ctx, partSQL, pgx.NamedArgs{"id": id, "n": n})
	content, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]byte])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return content, nil
}

// Read implements [io.Reader].
func (c *Content) Read(p []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if n := c.at / partSize; n != c.n {
		part, err := c.load(n)
		if err != nil {
			return 0, err
		}
		c.part, c.n = part, n
	}
	read := copy(p, c.part[min(c.at%partSize, int64(len(c.part))):])
	c.at += int64(read)
	if read == 0 && len(p) > 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return read, nil
}

// Seek implements [io.Seeker].
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek: before the beginning")
	}
	c.at = offset
	return offset, nil
}

// Close implements [io.Closer]. There is nothing to give back.
func (*Content) Close() error { return nil }
