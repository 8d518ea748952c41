package teamsapp

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
)

// Files of the package.
const (
	manifestFile = "manifest.json"
	colorFile    = "color.png"
	outlineFile  = "outline.png"
)

// Build writes the package. The same manifest makes the same bytes.
func Build(w io.Writer, m Manifest) error {
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	var ground color.NRGBA
	if _, err := fmt.Sscanf(accent, "#%02x%02x%02x", &ground.R, &ground.G, &ground.B); err != nil {
		return fmt.Errorf("accent colour: %w", err)
	}
	ground.A = 0xff
	colored, err := draw(colorSize, ground, color.White)
	if err != nil {
		return err
	}
	outline, err := draw(outlineSize, color.Transparent, color.White)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name    string
		content []byte
	}{{manifestFile, manifest}, {colorFile, colored}, {outlineFile, outline}} {
		file, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate}) // without a time
		if err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := file.Write(f.content); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	return z.Close()
}
