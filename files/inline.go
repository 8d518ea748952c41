package files

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// What Teams shows within a message
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
const (
	inlineSize   = 1_000_000 // bytes
	inlinePixels = 1024      // in either direction
)

// Inline returns the content of a ready file if it is an image that Teams shows
// within a message, as it is; not ok means that a link must do.
func (s *Store) Inline(ctx context.Context, id ID) (content []byte, kind string, ok bool, err error) {
	f, stream, err := s.Open(ctx, id)
	if err != nil {
		return nil, "", false, err
	}
	decode := map[string]func(io.Reader) (image.Config, error){
		"image/png": png.DecodeConfig, "image/jpeg": jpeg.DecodeConfig, "image/gif": gif.DecodeConfig,
	}[f.Type]
	if decode == nil || f.Size > inlineSize {
		return nil, "", false, nil
	}
	content, err = io.ReadAll(stream)
	if err != nil {
		return nil, "", false, fmt.Errorf("read image: %w", err)
	}
	img, err := decode(bytes.NewReader(content))
	if err != nil || img.Width > inlinePixels || img.Height > inlinePixels {
		return nil, "", false, nil // it may be shown by another program
	}
	return content, f.Type, true, nil
}
