package files

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// linkPath is where [Store.Handler] is mounted.
const linkPath = "/files/"

// rotate is how long one key signs new links.
const rotate = 7 * 24 * time.Hour

// What a link is refused for.
var (
	errForged = errors.New("link is not ours")
	errOld    = errors.New("link has expired")
)

// A Link is a URL path that gives a file to whoever knows it.
type Link struct {
	Path    string
	Expires time.Time
}

const (
	linkSQL = `
		UPDATE file
		SET linked_until = GREATEST(linked_until, now() + @life::interval),
			expires_at = GREATEST(expires_at, now() + @life::interval)
		WHERE id = @id
		  AND state = 'ready'
		RETURNING FLOOR(EXTRACT(EPOCH FROM now() + @life::interval))::bigint`

	// Two replicas may make one each: both are good.
	keySQL = `
		WITH fresh AS (
			INSERT INTO file_key (secret)
			SELECT @secret
			WHERE NOT EXISTS (SELECT FROM file_key WHERE created_at > now() - @rotate::interval)
			RETURNING id, secret)
		SELECT id, secret FROM fresh
		UNION ALL
		SELECT id, secret FROM file_key WHERE created_at > now() - @rotate::interval
		ORDER BY id DESC
		LIMIT 1`
)

// Link returns a new link to a ready file, which is kept until the link expires.
// The error of a file that is not ready, or gone, is [ErrNotFound].
func (s *Store) Link(ctx context.Context, id ID) (Link, error) {
	life := time.Duration(s.opt.Links)
	var t token
	err := s.opt.Pool.QueryRow(ctx, linkSQL, pgx.NamedArgs{"id": id, "life": life}).Scan(&t.expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return Link{}, ErrNotFound
	}
	if err != nil {
		return Link{}, fmt.Errorf("link file: %w", err)
	}
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails
	args := pgx.NamedArgs{"secret": secret, "rotate": rotate}
	if err := s.opt.Pool.QueryRow(ctx, keySQL, args).Scan(&t.key, &secret); err != nil {
		return Link{}, fmt.Errorf("key of links: %w", err)
	}
	t.file = id
	return Link{Path: linkPath + t.sign(secret), Expires: time.Unix(t.expires, 0)}, nil
}

const checkSQL = `
	SELECT secret, @expires <= EXTRACT(EPOCH FROM now())
	FROM file_key
	WHERE id = @key`

// check returns the file that a link's token is for.
func (s *Store) check(ctx context.Context, text string) (ID, error) {
	t, ok := parseToken(text)
	if !ok {
		return 0, errForged
	}
	var secret []byte
	var old bool
	err := s.opt.Pool.QueryRow(ctx, checkSQL, pgx.NamedArgs{"key": t.key, "expires": t.expires}).Scan(&secret, &old)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, errForged
	case err != nil:
		return 0, fmt.Errorf("check link: %w", err)
	case !hmac.Equal([]byte(text), []byte(t.sign(secret))):
		return 0, errForged
	case old:
		return 0, errOld
	}
	return t.file, nil
}

const forgetKeysSQL = `
	DELETE FROM file_key
	WHERE created_at < now() - @rotate::interval - @life::interval`

// ForgetKeys deletes the keys that no link needs any more.
func (s *Store) ForgetKeys(ctx context.Context) error {
	args := pgx.NamedArgs{"rotate": rotate, "life": time.Duration(s.opt.Links)}
	if _, err := s.opt.Pool.Exec(ctx, forgetKeysSQL, args); err != nil {
		return fmt.Errorf("forget keys of links: %w", err)
	}
	return nil
}

// A token says which file may be had until when, and by which key.
type token struct {
	key     int64
	file    ID
	expires int64 // in seconds since 1970
}

// claims are what is signed: three numbers of eight bytes.
const claims = 24

// sign writes the token.
func (t token) sign(secret []byte) string {
	text := make([]byte, 0, claims+sha256.Size)
	for _, n := range []int64{t.key, int64(t.file), t.expires} {
		text = binary.BigEndian.AppendUint64(text, uint64(n))
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(text))
}

// parseToken reads a token without believing it.
func parseToken(text string) (token, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != claims+sha256.Size {
		return token{}, false
	}
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64(raw[8*i:])) }
	return token{key: number(0), file: ID(number(1)), expires: number(2)}, true
}
