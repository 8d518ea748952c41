package teamsapp

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// Sizes of the icons, in pixels
// (https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package#app-icons).
const (
	colorSize   = 192
	outlineSize = 32
)

// accent is the colour icon's ground.
const accent = "#4F52B2"

// draw paints a speech bubble with three dots on ground. The dots show the ground.
func draw(size int, ground, ink color.Color) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			c := ground
			if bubble(float64(x)+.5, float64(y)+.5, float64(size)) {
				c = ink
			}
			img.Set(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("draw icon: %w", err)
	}
	return out.Bytes(), nil
}

// bubble reports whether a point is in the bubble, of an icon of that size.
func bubble(x, y, size float64) bool {
	x, y = x/size, y/size
	for _, dot := range []float64{.32, .5, .68} {
		if (x-dot)*(x-dot)+(y-.44)*(y-.44) < .05*.05 {
			return false
		}
	}
	dx, dy := (x-.5)/.36, (y-.44)/.28
	tail := y > .6 && y < .85 && x > .26 && x < .26+(.85-y)
	return dx*dx+dy*dy < 1 || tail
}
