package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// certify makes a certificate for loopback and its key.
func certify(tb testing.TB, serial int64) (certPEM, keyPEM []byte) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "loopback"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// replace writes a file as careful tools do: whole, under its name, at once.
func replace(tb testing.TB, name string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		tb.Fatal(err)
	}
}

// A secured server and the files it follows.
type secured struct {
	running
	files web.TLS
	log   *lockedLog
}

// files writes a certificate and its key.
func files(tb testing.TB) web.TLS {
	tb.Helper()
	folder := tb.TempDir()
	f := web.TLS{CertFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem")}
	certPEM, keyPEM := certify(tb, 1)
	replace(tb, f.CertFile, certPEM)
	replace(tb, f.KeyFile, keyPEM)
	return f
}

func secure(tb testing.TB, h http.Handler) secured {
	tb.Helper()
	files := files(tb)
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	log := &lockedLog{}
	server := web.Server{Handler: h, Drain: time.Second, TLS: files, Log: slog.New(slog.NewTextHandler(log, nil))}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	tb.Cleanup(stop)
	return secured{running{url: "https://" + ln.Addr().String(), stop: stop, done: done}, files, log}
}

type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// stranger trusts nobody, looks at every certificate itself, and keeps no
// connection.
func stranger(version uint16) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: version}, // the serial is what is looked at
	}}
}

// visit returns the serial of the certificate a new connection is shown.
func visit(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := stranger(0).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

func noContent() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
}

func TestACertificateIsRenewedUnderTraffic(t *testing.T) {
	t.Parallel()
	s := secure(t, noContent())
	ctx, enough := context.WithCancel(t.Context())
	serials := make(chan int64)
	var traffic sync.WaitGroup
	for range 4 {
		traffic.Go(func() {
			for ctx.Err() == nil {
				serial, err := visit(context.WithoutCancel(ctx), s.url)
				if err != nil {
					t.Errorf("visit: %v", err)
				}
				select {
				case serials <- serial:
				case <-ctx.Done():
				}
			}
		})
	}
	until := func(want int64) {
		t.Helper()
		for wait(t, fmt.Sprint("certificate ", want), serials) != want {
		}
	}
	until(1)
	certPEM, keyPEM := certify(t, 2)
	replace(t, s.files.CertFile, certPEM) // the key follows later: until then the old pair serves
	for range 20 {
		if got := wait(t, "a visit", serials); got != 1 {
			t.Fatalf("certificate %d without its key", got)
		}
	}
	replace(t, s.files.KeyFile, keyPEM)
	until(2)
	replace(t, s.files.CertFile, []byte("rubbish"))
	for range 20 {
		wait(t, "a visit", serials)
	}
	enough()
	traffic.Wait()
	if serial, err := visit(t.Context(), s.url); err != nil || serial != 2 {
		t.Errorf("with a broken file: certificate %d, %v", serial, err)
	}
	if got := s.log.count("certificate not renewed"); got != 2 {
		t.Errorf("complained %d times about two broken states", got)
	}
	if got := s.log.count("certificate renewed"); got != 1 {
		t.Errorf("renewed %d times", got)
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func TestTLSIsOfThisAge(t *testing.T) {
	t.Parallel()
	s := secure(t, noContent())
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := stranger(version).Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

// Over HTTP/2, which browsers then speak, a stream outlives every deadline of a
// single write.
func TestStreamsOverTLS(t *testing.T) {
	t.Parallel()
	log, _ := record()
	files := files(t)
	synctest.Test(t, func(t *testing.T) {
		r := web.NewEngine(log)
		r.GET("/", web.Handle(log, func(c *gin.Context) error {
			stream, err := web.NewStream(c)
			if err != nil {
				return nil // the reader is gone
			}
			for id := range int64(3) {
				_ = stream.Send(id+1, "tick", "x")
				<-time.After(time.Hour)
			}
			return nil
		}))
		ctx, stop := context.WithCancel(t.Context())
		ln := pipes{make(chan net.Conn), make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- web.Server{Handler: r, TLS: files}.Serve(ctx, ln) }()
		transport := &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				ln.conns <- theirs
				return ours, nil
			},
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the certificate is older than the test's clock
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://server/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.ProtoMajor != 2 || err != nil || strings.Count(string(text), "event: tick") != 3 {
			t.Errorf("%s: %q, %v", resp.Proto, text, err)
		}
		transport.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestServeRefusesACertificateItCannotRead(t *testing.T) {
	t.Parallel()
	certPEM, _ := certify(t, 1)
	_, otherKey := certify(t, 2)
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	replace(t, cert, certPEM)
	replace(t, key, otherKey)
	for name, files := range map[string]web.TLS{
		"no file": {CertFile: filepath.Join(folder, "none"), KeyFile: key}, "another's key": {CertFile: cert, KeyFile: key}, "half": {CertFile: cert},
	} {
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		err = web.Server{Handler: noContent(), TLS: files}.Serve(t.Context(), ln)
		if err == nil || !strings.HasPrefix(err.Error(), "read certificate: ") || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ln.Accept(); err == nil {
			t.Errorf("%s: still listening", name)
		}
	}
}
