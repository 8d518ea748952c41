package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// TLS names the files with which a server speaks TLS itself. The zero value is a
// server behind something that does.
type TLS struct {
	CertFile string `env:"CERT_FILE" help:"certificate chain, PEM; with it the server speaks TLS itself, and takes up a renewed one without a restart"`
	KeyFile  string `env:"KEY_FILE" help:"the certificate's key, PEM"`
}

// On reports whether TLS is spoken.
func (t TLS) On() bool { return t.CertFile != "" || t.KeyFile != "" }

// Check returns what is wrong; prefix begins the variables' names.
func (t TLS) Check(prefix string) error {
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		return fmt.Errorf("%sKEY_FILE: required with %sCERT_FILE", prefix, prefix)
	case t.CertFile == "" && t.KeyFile != "":
		return fmt.Errorf("%sCERT_FILE: required with %sKEY_FILE", prefix, prefix)
	}
	return nil
}

// config returns a server's configuration whose certificate follows the files.
func (t TLS) config(log *slog.Logger) (*tls.Config, error) {
	c := &certificate{files: t, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// A certificate is what the files held when they last made sense.
type certificate struct {
	files TLS
	log   *slog.Logger

	mu   sync.Mutex
	pair *tls.Certificate
	seen [2]os.FileInfo // the files as last read, in vain or not
}

// get looks at the files at each handshake: two system calls, where the handshake
// itself is a thousand times dearer.
func (c *certificate) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed() {
		return c.pair, nil
	}
	// Certificate and key are written one after the other. In between they do not
	// match, and the old pair serves on.
	if err := c.load(); err != nil {
		c.log.WarnContext(hello.Context(), "certificate not renewed", "err", err)
		return c.pair, nil
	}
	c.log.InfoContext(hello.Context(), "certificate renewed")
	return c.pair, nil
}

// changed reports whether a file is another than the one last read.
func (c *certificate) changed() bool {
	now, err := c.stat()
	if err != nil {
		return false // gone for the moment of a replacement
	}
	different := false
	for i, info := range now {
		before := c.seen[i]
		different = different || !os.SameFile(before, info) || !before.ModTime().Equal(info.ModTime()) || before.Size() != info.Size()
	}
	return different
}

func (c *certificate) stat() (infos [2]os.FileInfo, err error) {
	for i, name := range []string{c.files.CertFile, c.files.KeyFile} {
		info, statErr := os.Stat(name)
		infos[i], err = info, errors.Join(err, statErr)
	}
	return infos, err
}

// load reads the files. What they were is looked at first: a change while they
// are read is then seen as one the next time.
func (c *certificate) load() error {
	seen, err := c.stat()
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	c.seen = seen
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	c.pair = &pair
	return nil
}
