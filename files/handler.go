package files

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// linkPolicy lets a browser that shows a file all the same do nothing with it.
const linkPolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// Handler serves GET and HEAD of /files/{token}, with ranges. Who has a link that
// was ours hears that it is over; anybody else that there is nothing.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+linkPath+"{token}", s.serve)
	return mux
}

func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", linkPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	id, err := s.check(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f, content, err := s.Open(r.Context(), id)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", disposition(f.Name))
	http.ServeContent(w, r, "", time.Time{}, content)
}

func (s *Store) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errForged):
		http.Error(w, "There is no such file.", http.StatusNotFound)
	case errors.Is(err, errOld), errors.Is(err, ErrNotFound):
		http.Error(w, "This link has expired.", http.StatusGone)
	default:
		if r.Context().Err() == nil {
			s.opt.Log.ErrorContext(r.Context(), "file could not be served", "err", err)
		}
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The file cannot be had now, try again later.", http.StatusServiceUnavailable)
	}
}

// disposition names a download in both of the forms that RFC 6266 has.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, name)
	// Of what PathEscape leaves, RFC 8187 does not allow these.
	extended := strings.NewReplacer(":", "%3A", "@", "%40", "=", "%3D").Replace(url.PathEscape(name))
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + extended
}
