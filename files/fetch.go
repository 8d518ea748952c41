package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/jackc/pgx/v5"
)

// partSize is what is held of a file in memory, in bytes.
const partSize = 256 << 10

// errOver means that another fetch came to its end first, or that the file is gone.
var errOver = errors.New("the file is not pending any more")

// Fetch brings the content of a pending file here. It may be called again, and at
// the same time: a ready file is not fetched, and of several fetches the first to
// end counts. An [*Error] says that the file has failed for good, which is on
// record then; any other but [ErrNotFound] that it is still pending.
func (s *Store) Fetch(ctx context.Context, id ID) error {
	f, err := s.begin(ctx, id)
	if err == nil && f.state == Pending {
		err = s.settle(ctx, f, s.take(ctx, f))
	} else if err == nil {
		err = f.verdict()
	}
	if err != nil {
		return fmt.Errorf("fetch file: %w", err)
	}
	return nil
}

// A fetching is one fetch of one file.
type fetching struct {
	id                       ID
	name, source, credential string
	state                    State
	failure                  Failure
	attempt                  string // names the parts that this fetch wrote

	kind string
	size int64
	sum  []byte
}

const beginSQL = `
	SELECT name, source, credential, state, COALESCE(failure, ''), gen_random_uuid()::text
	FROM file
	WHERE id = @id`

func (s *Store) begin(ctx context.Context, id ID) (*fetching, error) {
	f := &fetching{id: id}
	err := s.opt.Pool.QueryRow(ctx, beginSQL, pgx.NamedArgs{"id": id}).
		Scan(&f.name, &f.source, &f.credential, &f.state, &f.failure, &f.attempt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	return f, err
}

// verdict is what became of a file that is not pending.
func (f *fetching) verdict() error {
	if f.state == Failed {
		return &Error{Failure: f.failure}
	}
	return nil
}

// settle records what a fetch came to and returns what the file came to: another
// fetch may have been first.
func (s *Store) settle(ctx context.Context, f *fetching, err error) error {
	if err == nil {
		return nil
	}
	// What is to be recorded is so although ctx has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	failed, ok := errors.AsType[*Error](err)
	if ok {
		fail := func(tx pgx.Tx) error { return Fail(ctx, tx, f.id, failed.Failure) }
		if err := pgx.BeginFunc(ctx, s.opt.Pool, fail); err != nil {
			return err
		}
	}
	now, beginErr := s.begin(ctx, f.id)
	switch {
	case beginErr != nil:
		return beginErr
	case now.state == Pending, ok && now.failure == failed.Failure:
		return err
	}
	return now.verdict()
}

// take streams the content from its URL into parts.
func (s *Store) take(ctx context.Context, f *fetching) error {
	client, ok := s.clients[f.credential]
	if !ok {
		return &Error{Refused, errors.New("its peer is not configured any more")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.source, http.NoBody)
	if err != nil {
		return &Error{Refused, errors.New("URL cannot be read")}
	}
	resp, err := client.Do(req)
	if err != nil {
		return failure(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	if err := s.keep(ctx, f, resp.Body); err != nil {
		s.clear(ctx, f)
		return err
	}
	// If this is in doubt, the parts stay: the file may be ready.
	return s.finish(ctx, f)
}

// keep stores a body part by part.
func (s *Store) keep(ctx context.Context, f *fetching, body io.Reader) error {
	var part bytes.Buffer
	sum := sha256.New()
	for n := 0; ; n++ {
		part.Reset()
		_, readErr := io.CopyN(&part, body, partSize)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return cut(readErr)
		}
		if n == 0 {
			if !s.opt.Types.take(f.name, part.Bytes()) {
				return &Error{Failure: WrongType}
			}
			f.kind = sniff(f.name, part.Bytes())
		}
		if err := s.put(ctx, f, n, part.Bytes()); err != nil {
			return err
		}
		_, _ = sum.Write(part.Bytes())
		f.size += int64(part.Len())
		if readErr != nil {
			f.sum = sum.Sum(nil)
			return nil
		}
	}
}

// The file's row is locked so that no part comes after the end of another fetch.
const putSQL = `
	INSERT INTO file_part (file, n, attempt, content)
	SELECT id, @n, @attempt::uuid, @content
	FROM file
	WHERE id = @id
	  AND state = 'pending'
	FOR SHARE`

func (s *Store) put(ctx context.Context, f *fetching, n int, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	tag, err := s.opt.Pool.Exec(ctx, putSQL, pgx.NamedArgs{"id": f.id, "n": n, "attempt": f.attempt, "content": content})
	if err != nil {
		return fmt.Errorf("store part: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errOver
	}
	return nil
}

const clearPartsSQL = `
	DELETE FROM file_part
	WHERE file = @id
	  AND attempt = @attempt::uuid`

// clear removes what a fetch wrote that did not come to its end. What it leaves
// behind goes when another one ends.
func (s *Store) clear(ctx context.Context, f *fetching) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if _, err := s.opt.Pool.Exec(ctx, clearPartsSQL, pgx.NamedArgs{"id": f.id, "attempt": f.attempt}); err != nil {
		s.opt.Log.WarnContext(ctx, "parts of a file are left", "file_id", f.id, "err", err)
	}
}

const (
	finishSQL = `
		UPDATE file
		SET state = 'ready', source = '', name = @name, type = @type, size = @size, sha256 = @sha256
		WHERE id = @id
		  AND state = 'pending'`

	othersSQL = `
		DELETE FROM file_part
		WHERE file = @id
		  AND attempt <> @attempt::uuid`
)

// finish makes the parts that f wrote the file's content.
func (s *Store) finish(ctx context.Context, f *fetching) error {
	err := pgx.BeginFunc(ctx, s.opt.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, finishSQL, pgx.NamedArgs{
			"id": f.id, "name": withEnding(f.name, f.kind), "type": f.kind, "size": f.size, "sha256": f.sum,
		})
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errOver
		}
		_, err = tx.Exec(ctx, othersSQL, pgx.NamedArgs{"id": f.id, "attempt": f.attempt})
		return err
	})
	if err != nil {
		return fmt.Errorf("finish file: %w", err)
	}
	return nil
}
