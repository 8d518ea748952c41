package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/liaison-skill/liaison/auth"
)

// A pair is a certificate and its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate of that name, signed by the authority, or by itself
// without one.
func issue(tb testing.TB, key crypto.Signer, name string, notAfter time.Time, authority *pair) pair {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: notAfter.Add(-24 * time.Hour), NotAfter: notAfter,
		BasicConstraintsValid: true, IsCA: authority == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if authority != nil {
		parent, signer = authority.cert, authority.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return pair{cert, key}
}

// testKey is the key of all certificates here: making one takes long.
var testKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaKey(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := testKey()
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// pem encodes the key and the certificates.
func (p pair) pem(tb testing.TB, more ...*x509.Certificate) []byte {
	tb.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		tb.Fatal(err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for _, c := range append([]*x509.Certificate{p.cert}, more...) {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return data
}

func (p pair) pfx(tb testing.TB, encoder *pkcs12.Encoder, password string) []byte {
	tb.Helper()
	data, err := encoder.Encode(p.key, p.cert, nil, password)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// write makes a file, or replaces it the way a mounted secret is replaced.
func write(tb testing.TB, file string, data []byte) string {
	tb.Helper()
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		tb.Fatal(err)
	}
	return file
}

// only returns variables that give the copilot's connection another credential.
func only(kind, value string) map[string]string {
	return map[string]string{"LIAISON_CONNECTION_COPILOT_CLIENT_SECRET": "", "LIAISON_CONNECTION_COPILOT_" + kind: value}
}

func tomorrow() time.Time { return time.Now().Add(23 * time.Hour) }

func TestCertificate_every_form_of_file(t *testing.T) {
	t.Parallel()
	own := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	const password = "pfx-pa55word"
	for name, test := range map[string]struct {
		file     []byte
		password string
	}{
		"PEM":                  {own.pem(t), ""},
		"PFX":                  {own.pfx(t, pkcs12.Modern, password), password},
		"PFX of older tools":   {own.pfx(t, pkcs12.Legacy, password), password},
		"PFX without password": {own.pfx(t, pkcs12.Modern, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.AcceptCertificate(copilot, own.cert)
			c := credentials(t, lookuper(s.Env(), only("CERTIFICATE_FILE", write(t, filepath.Join(t.TempDir(), "own"), test.file)),
				map[string]string{"LIAISON_CONNECTION_COPILOT_CERTIFICATE_PASSWORD": test.password}))
			speak(t, c, s)
			for _, r := range s.TokenRequests() {
				if r.ClientID != copilot {
					t.Errorf("asked as %q", r.ClientID)
				}
			}
		})
	}
}

func TestCertificate_a_trusted_subject_may_be_renewed(t *testing.T) {
	t.Parallel()
	authority := issue(t, rsaKey(t), "an authority", tomorrow(), nil)
	first := issue(t, rsaKey(t), "liaison.example.com", tomorrow(), &authority)
	second := issue(t, rsaKey(t), "liaison.example.com", tomorrow(), &authority)
	s := start(t)
	s.AcceptSubject(copilot, "liaison.example.com", authority.cert)
	file := write(t, filepath.Join(t.TempDir(), "own.pem"), first.pem(t, authority.cert))
	c := credentials(t, lookuper(s.Env(), only("CERTIFICATE_FILE", file)))
	token := speak(t, c, s)
	write(t, file, second.pem(t, authority.cert))
	if !c.Drop(s.URL()+"/teams/", "", token) {
		t.Fatal("the token was not dropped")
	}
	speak(t, c, s)
}

func TestCertificate_refused_by_Entra_waits_for_a_person(t *testing.T) {
	t.Parallel()
	registered := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	other := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	s := start(t)
	s.AcceptCertificate(copilot, registered.cert)
	c := credentials(t, lookuper(s.Env(), only("CERTIFICATE_FILE", write(t, filepath.Join(t.TempDir(), "own"), other.pem(t)))))
	failure := failed(t, c, s)
	if !failure.Misconfigured() || failure.Error() != "fetch token: status 401 invalid_client" {
		t.Errorf("error %v, misconfigured %t", failure, failure.Misconfigured())
	}
}

func TestCertificate_that_is_lost_while_running_is_waited_for(t *testing.T) {
	t.Parallel()
	own := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	s := start(t)
	s.AcceptCertificate(copilot, own.cert)
	file := write(t, filepath.Join(t.TempDir(), "own"), own.pem(t))
	c := credentials(t, lookuper(s.Env(), only("CERTIFICATE_FILE", file)))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	failure := failed(t, c, s)
	if failure.Misconfigured() || !strings.Contains(failure.Error(), file) || len(asked(s)) != 0 {
		t.Errorf("error %v, misconfigured %t, asked %q", failure, failure.Misconfigured(), asked(s))
	}
}

func TestReadIdentity_refuses_files_that_cannot_serve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // the weakness is the point
	if err != nil {
		t.Fatal(err)
	}
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, data []byte) string { return write(t, filepath.Join(dir, name), data) }
	const certificate, password = "CERTIFICATE_FILE", "CERTIFICATE_PASSWORD"
	for name, test := range map[string]struct {
		kind, file, password string
		want                 []string
	}{
		"wrong password":   {certificate, file("pfx", own.pfx(t, pkcs12.Modern, "pfx-pa55word")), "wr0ng-pa55word", []string{password + ": does not open"}},
		"missing password": {certificate, file("pfx", own.pfx(t, pkcs12.Modern, "pfx-pa55word")), "", []string{password + ": does not open"}},
		"no file":          {certificate, filepath.Join(dir, "none"), "", []string{certificate + ": open ", "no such file"}},
		"a folder":         {certificate, dir, "", []string{certificate + ": ", "is a directory"}},
		"neither form":     {certificate, file("text", []byte("hello")), "", []string{certificate + ": read PFX: ", "not PEM either"}},
		"no key":           {certificate, file("cert", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.cert.Raw})), "", []string{certificate + ": read PEM: "}},
		"expired": {
			certificate, file("expired", issue(t, own.key, "liaison", time.Now().Add(-time.Hour), nil).pem(t)), "",
			[]string{certificate + ": the certificate expired on ", "add a new one to the app registration"},
		},
		"not valid yet": {
			certificate, file("early", issue(t, own.key, "liaison", time.Now().Add(72*time.Hour), nil).pem(t)), "",
			[]string{certificate + ": the certificate is not valid before "},
		},
		"weak":          {certificate, file("weak", issue(t, weak, "liaison", tomorrow(), nil).pem(t)), "", []string{certificate + ": its key is not RSA"}},
		"elliptic":      {certificate, file("elliptic", issue(t, elliptic, "liaison", tomorrow(), nil).pem(t)), "", []string{certificate + ": its key is not RSA"}},
		"no token":      {"FEDERATED_TOKEN_FILE", file("nothing", []byte("\n")), "", []string{"FEDERATED_TOKEN_FILE: ", "holds no token"}},
		"no token file": {"FEDERATED_TOKEN_FILE", filepath.Join(dir, "none"), "", []string{"FEDERATED_TOKEN_FILE: open "}},
		"system":        {"MANAGED_IDENTITY", "system", "", []string{"MANAGED_IDENTITY: expected the client id"}},
		"another app":   {"MANAGED_IDENTITY", foreign, "", []string{"CLIENT_ID: differs from MANAGED_IDENTITY"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.ReadIdentity(t.Context(), envconfig.MapLookuper(map[string]string{
				"LIAISON_CONNECTIONS": "a", "LIAISON_CONNECTION_A_CLIENT_ID": copilot,
				"LIAISON_CONNECTION_A_" + test.kind: test.file, "LIAISON_CONNECTION_A_" + password: test.password,
			}), "LIAISON_")
			if err == nil {
				t.Fatal("accepted")
			}
			if !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
				return strings.HasPrefix(line, "LIAISON_CONNECTION_A_"+test.want[0]) &&
					!slices.ContainsFunc(test.want, func(want string) bool { return !strings.Contains(line, want) })
			}) {
				t.Errorf("error lacks %q:\n%v", test.want, err)
			}
			if strings.Contains(err.Error(), "pa55word") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
}
