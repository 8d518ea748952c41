package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/liaison-skill/liaison/internal/env"
)

const (
	maxCredentialFile = 1 << 20
	assertionLife     = 5 * time.Minute // Entra takes ten at most
)

// errPassword means that a certificate's file does not open with its password.
var errPassword = errors.New("does not open the certificate's file")

// A certificate proves an app to Entra ID
// (https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
type certificate struct {
	chain [][]byte // DER, the app's own first
	key   *rsa.PrivateKey
}

// readCertificate reads a PEM file with certificate and key, or a PFX file, and
// demands that it can be used now.
func readCertificate(file string, password env.Secret, now time.Time) (certificate, error) {
	data, err := readCredential(file)
	if err != nil {
		return certificate{}, err
	}
	parse := parsePFX
	if block, _ := pem.Decode(data); block != nil {
		parse = parsePEM
	}
	chain, key, err := parse(data, password)
	if err != nil {
		return certificate{}, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < minKeyBits {
		return certificate{}, fmt.Errorf("its key is not RSA of %d bits or more, which is all that Entra ID takes", minKeyBits)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	const day = time.DateOnly
	switch {
	case now.After(leaf.NotAfter):
		return certificate{}, fmt.Errorf("the certificate expired on %s; add a new one to the app registration and put it into the file", leaf.NotAfter.UTC().Format(day))
	case now.Before(leaf.NotBefore):
		return certificate{}, fmt.Errorf("the certificate is not valid before %s", leaf.NotBefore.UTC().Format(day))
	}
	return certificate{chain, private}, nil
}

func parsePEM(data []byte, _ env.Secret) ([][]byte, any, error) {
	pair, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, nil, fmt.Errorf("read PEM: %w (it must hold the certificate and its key; a key with a password goes into a PFX file)", err)
	}
	return pair.Certificate, pair.PrivateKey, nil
}

func parsePFX(data []byte, password env.Secret) ([][]byte, any, error) {
	key, leaf, issuers, err := pkcs12.DecodeChain(data, password.Reveal())
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, nil, errPassword
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read PFX: %w (the file is not PEM either)", err)
	}
	chain := [][]byte{leaf.Raw}
	for _, issuer := range issuers {
		chain = append(chain, issuer.Raw)
	}
	return chain, key, nil
}

// assertion returns a token with which the app proves itself to the endpoint,
// once. It carries the chain, so that a registration may trust a subject and its
// issuer instead of one certificate.
func (c certificate) assertion(clientID, endpoint string) (string, error) {
	thumbprint := sha256.Sum256(c.chain[0])
	chain := make([]string, len(c.chain))
	for i, der := range c.chain {
		chain[i] = base64.StdEncoding.EncodeToString(der)
	}
	options := new(jose.SignerOptions).WithType("JWT").WithHeader("x5c", chain).
		WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(thumbprint[:]))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: c.key}, options)
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	now := time.Now()
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"aud": endpoint, "iss": clientID, "sub": clientID, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	return token, nil
}

// readFederatedToken returns the token that another issuer, such as a Kubernetes
// cluster, keeps fresh in a file
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation).
func readFederatedToken(file string) (string, error) {
	data, err := readCredential(file)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, " \t\r\n") || len(token) > maxToken {
		return "", fmt.Errorf("%s holds no token", file)
	}
	return token, nil
}

// readCredential reads a file that is small if it is the right one.
func readCredential(name string) ([]byte, error) {
	file, err := os.Open(name) // the operator names it
	if err != nil {
		return nil, err // it names the operation and the file
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCredentialFile))
	if err != nil {
		return nil, err // it names the operation and the file
	}
	return data, nil
}
