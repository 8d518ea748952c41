package web

import (
	"cmp"
	"io/fs"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// pagePolicy lets a page load its own files and talk to its own host, nothing
// else: no inline script or style, no foreign asset. Whose frame may be around it
// follows.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "

// Pages serves the files of root at "/", index.html for the folder itself and any
// other page without its ".html", under a strict Content-Security-Policy: no frame
// may be around them. Mount the API's routes on the same engine.
func Pages(r *gin.Engine, root fs.FS) { PagesAt(r, "", root) }

// PagesAt is [Pages] in the folder at, like "/help". Sources in ancestors, as the
// policy's frame-ancestors names them, may show the pages in a frame.
func PagesAt(r *gin.Engine, at string, root fs.FS, ancestors ...string) {
	files := http.StripPrefix(at, http.FileServerFS(root))
	policy := pagePolicy + cmp.Or(strings.Join(ancestors, " "), "'none'")
	strict := func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // embedded files have no date; they are small
	}
	serve := func(path string, f gin.HandlerFunc) {
		r.GET(at+path, strict, f)
		r.HEAD(at+path, strict, f)
	}
	byPath := func(c *gin.Context) { files.ServeHTTP(c.Writer, c.Request) }
	_ = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		name, isPage := strings.CutSuffix(path, ".html")
		switch {
		case err != nil || d.IsDir():
		case path == "index.html":
			serve("/", byPath)
		case isPage:
			serve("/"+name, func(c *gin.Context) { http.ServeFileFS(c.Writer, c.Request, root, path) })
		default:
			serve("/"+path, byPath)
		}
		return nil
	})
	if at != "" {
		r.GET(at, func(c *gin.Context) { c.Redirect(http.StatusFound, at+"/") })
	}
}
