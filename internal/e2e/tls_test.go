package e2e

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/sandbox"
)

// certificateFiles writes the certificate of Go's test servers, and returns a
// client that trusts it.
func certificateFiles(tb testing.TB) (web.TLS, *http.Client) {
	tb.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	tb.Cleanup(s.Close)
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	folder := tb.TempDir()
	files := web.TLS{CertFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem")}
	for name, block := range map[string]*pem.Block{
		files.CertFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, files.KeyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return files, s.Client()
}

// TestTLS: service and hub speak it themselves when they are given a certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	files, client := certificateFiles(t)
	w := newWorld(t, sandbox.Config{}, "LIAISON_TLS_CERT_FILE="+files.CertFile, "LIAISON_TLS_KEY_FILE="+files.KeyFile)
	db := pgtest.DB(t, contoso.Schema())
	hub := &part{tb: t, serve: func(ctx context.Context, ln net.Listener) error {
		return (&contoso.App{DB: db, Log: slog.New(slog.DiscardHandler), Config: contoso.Config{TLS: files}}).Run(ctx, ln)
	}}
	hub.start()
	t.Cleanup(hub.stop)
	for _, url := range []string{"https://" + w.service.addr + "/readyz", "https://" + hub.addr + "/api/desk/me"} {
		eventually(t, url, func() bool {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				return false
			}
			_ = resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}
}
