package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const sweepFilesSQL = `
DELETE FROM contoso.file
WHERE line_id IS NULL
AND created_at < now() - interval '1 hour'`

// sweepFiles deletes what a process that died did not receive to its end.
func (a *App) sweepFiles(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, sweepFilesSQL); err != nil {
		return fmt.Errorf("sweep files: %w", err)
	}
	return nil
}

const lockVisitorSQL = `
SELECT
FROM contoso.visitor
WHERE id = @visitor
FOR NO KEY UPDATE`

const insertFileSQL = `
INSERT INTO contoso.file (name, content_type, size, visitor_id)
SELECT @name, @type, @size::bigint, nullif(@visitor::text, '')
WHERE @visitor::text = ''
OR @space::bigint = 0
OR @size::bigint + (SELECT coalesce(sum(size), 0) FROM contoso.file WHERE visitor_id = @visitor::text) <= @space::bigint
RETURNING id`

// reserve begins a file and, for a visitor, takes the room it may need from what
// they have: those that are still on their way count, too.
func (a *App) reserve(ctx context.Context, f *file) error {
	if err := a.sweepFiles(ctx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockVisitorSQL, pgx.NamedArgs{"visitor": f.visitor}); err != nil {
			return fmt.Errorf("lock visitor: %w", err)
		}
		return tx.QueryRow(ctx, insertFileSQL, pgx.NamedArgs{
			"name": f.Name, "type": f.ContentType, "size": f.Size, "visitor": f.visitor, "space": a.Config.Canvas.FileSpace,
		}).Scan(&f.ID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		text := fmt.Sprintf("there is no room for it: your files may have %d bytes together", a.Config.Canvas.FileSpace)
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Text: text}
	}
	if err != nil {
		return storable(fmt.Errorf("insert file: %w", err))
	}
	return nil
}

const dropFileSQL = `
DELETE FROM contoso.file
WHERE id = @id
AND line_id IS NULL`

// drop deletes a file that nobody keeps, though its sender may have left.
func (a *App) drop(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pieceTimeout)
	defer cancel()
	if _, err := a.DB.Exec(ctx, dropFileSQL, pgx.NamedArgs{"id": id}); err != nil {
		a.Log.WarnContext(ctx, "file left to be swept", "file", id, "err", err)
	}
}
