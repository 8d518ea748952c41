package files

import (
	"context"
	"crypto/sha256"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// maxURL is longer than any host makes them, in bytes.
const maxURL = 16 << 10

// A Source is an attachment as a message brought it.
type Source struct {
	Owner      string // what the file goes with, and is deleted with
	Direction  Direction
	Name       string // as the sender wrote it; may be empty
	Type       string // as the sender said; may be empty
	Size       int64  // as the sender said; 0 when unknown
	URL        string // http, https or data
	Credential string // the [Peer] that the URL is said to be of; "" for anybody
}

// Add stores the files of one message, in the caller's transaction, and returns
// their ids. A file that cannot be had is stored as failed, one whose content came
// with its URL as ready; the others wait for [Store.Fetch]. The sources beyond the
// tenth are left out: there are fewer ids then.
func (s *Store) Add(ctx context.Context, db DB, sources ...Source) ([]ID, error) {
	var ids []ID
	for _, src := range sources[:min(perMessage, len(sources))] {
		if _, ok := s.clients[src.Credential]; !ok {
			return nil, fmt.Errorf("add file: no peer %q", src.Credential)
		}
		id, err := s.add(ctx, db, src)
		if err != nil {
			return nil, fmt.Errorf("add file: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

const addSQL = `
	INSERT INTO file (owner, direction, name, claimed_type, claimed_size, source, credential,
		state, failure, type, size, sha256, expires_at)
	VALUES (@owner, @direction, @name, @claimed_type, NULLIF(@claimed_size, 0), @source, @credential,
		@state, NULLIF(@failure, ''), @type, @size, @sha256, now() + @keep::interval)
	RETURNING id`

func (s *Store) add(ctx context.Context, db DB, src Source) (ID, error) {
	args := pgx.NamedArgs{
		"owner": src.Owner, "direction": src.Direction, "name": cleanName(src.Name),
		"claimed_type": cleanType(src.Type), "claimed_size": max(0, src.Size), "source": "",
		"credential": src.Credential, "state": Failed, "failure": "",
		"type": nil, "size": nil, "sha256": nil, "keep": s.opt.Keep,
	}
	content, here, why := s.judge(src)
	switch {
	case why != "":
		args["failure"] = why
	case here:
		sum := sha256.Sum256(content)
		kind := sniff(cleanName(src.Name), content)
		args["state"], args["type"], args["size"], args["sha256"] = Ready, kind, len(content), sum[:]
		args["name"] = withEnding(cleanName(src.Name), kind)
	default:
		args["state"], args["source"] = Pending, src.URL
	}
	rows, _ := db.Query(ctx, addSQL, args)
	id, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[ID])
	if err != nil {
		return 0, err
	}
	for n := 0; n*partSize < len(content); n++ {
		part := content[n*partSize : min(len(content), (n+1)*partSize)]
		if _, err := db.Exec(ctx, addPartSQL, pgx.NamedArgs{"id": id, "n": n, "content": part}); err != nil {
			return 0, err
		}
	}
	return id, nil
}

const addPartSQL = `
	INSERT INTO file_part (file, n, attempt, content)
	VALUES (@id, @n, gen_random_uuid(), @content)`

// judge says what can be known of a source before anything is fetched: its
// content, when that is here, or why there will be none.
func (s *Store) judge(src Source) (content []byte, here bool, why Failure) {
	switch {
	case strings.TrimSpace(src.URL) == "":
		return nil, false, Missing
	case src.Size > int64(s.opt.Max):
		return nil, false, TooBig
	case runs(cleanName(src.Name), nil):
		return nil, false, WrongType
	case isData(src.URL):
		content, why = readData(src.URL, int64(s.opt.Max))
		if why == "" && !s.opt.Types.take(cleanName(src.Name), content) {
			why = WrongType
		}
		if why != "" {
			return nil, false, why
		}
		return content, true, ""
	case len(src.URL) > maxURL, !utf8.ValidString(src.URL), strings.ContainsRune(src.URL, 0):
		return nil, false, Refused
	}
	return nil, false, ""
}

// cleanType returns a media type without parameters, or "" for what is none.
func cleanType(claimed string) string {
	kind, _, err := mime.ParseMediaType(claimed)
	if err != nil || len(kind) > 127 || !strings.Contains(kind, "/") {
		return ""
	}
	return kind
}
