package auth

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// check demands an app and exactly one kind of credential for it, one that can be
// used. Its error joins all problems, each beginning with a variable's name.
func (c Connection) check(variables string) error {
	var problems []error
	problem := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s%s: %w", variables, name, err))
		}
	}
	problem("CLIENT_ID", c.checkApp())
	if c.TenantID != "" {
		problem("TENANT_ID", checkTenant(c.TenantID))
	}
	kinds := c.kinds()
	switch {
	case len(kinds) == 0:
		problem("CLIENT_SECRET", errors.New("required, and not set; or set one of CERTIFICATE_FILE, MANAGED_IDENTITY, FEDERATED_TOKEN_FILE"))
	case len(kinds) > 1:
		problem(kinds[0], fmt.Errorf("set as well as %s; keep one", strings.Join(kinds[1:], ", ")))
	default:
		problem(c.checkCredential(kinds[0]))
	}
	if c.CertificatePassword != "" && c.CertificateFile == "" {
		problem("CERTIFICATE_PASSWORD", errors.New("set without CERTIFICATE_FILE"))
	}
	return errors.Join(problems...)
}

func (c Connection) checkApp() error {
	switch {
	case c.ClientID == "" && c.ManagedIdentity == "":
		return errors.New("required, and not set")
	case c.ClientID != "" && c.ManagedIdentity != "" && !strings.EqualFold(c.ClientID, c.ManagedIdentity):
		return errors.New("differs from MANAGED_IDENTITY; a managed identity is an app of its own")
	}
	return nil
}

// kinds returns which kinds of credential are set, by their variables.
func (c Connection) kinds() []string {
	var kinds []string
	for _, kind := range []struct{ name, value string }{
		{"CLIENT_SECRET", c.ClientSecret.Reveal()},
		{"CERTIFICATE_FILE", c.CertificateFile},
		{"MANAGED_IDENTITY", c.ManagedIdentity},
		{"FEDERATED_TOKEN_FILE", c.FederatedTokenFile},
	} {
		if kind.value != "" {
			kinds = append(kinds, kind.name)
		}
	}
	return kinds
}

var guidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkCredential returns what is wrong with the credential, and which variable
// is to blame.
func (c Connection) checkCredential(kind string) (variable string, err error) {
	switch kind {
	case "CERTIFICATE_FILE":
		_, err = readCertificate(c.CertificateFile, c.CertificatePassword, time.Now())
		if errors.Is(err, errPassword) {
			return "CERTIFICATE_PASSWORD", err
		}
	case "FEDERATED_TOKEN_FILE":
		_, err = readFederatedToken(c.FederatedTokenFile)
	case "MANAGED_IDENTITY":
		if !guidForm.MatchString(c.ManagedIdentity) {
			err = errors.New("expected the client id of a user-assigned identity; the Bot Connector takes no other")
		}
	}
	return kind, err
}
