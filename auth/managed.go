package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// A managedIdentity is a user-assigned identity of the Azure resource we run on.
// Where its endpoint is, the library learns from the variables the platform sets,
// such as IDENTITY_ENDPOINT
// (https://learn.microsoft.com/azure/app-service/overview-managed-identity).
type managedIdentity struct {
	from *azidentity.ManagedIdentityCredential
}

func newManagedIdentity(clientID string, client *http.Client) (*managedIdentity, error) {
	from, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ID: azidentity.ClientID(clientID),
		ClientOptions: azcore.ClientOptions{
			Transport: client,
			Retry:     policy.RetryOptions{MaxRetries: -1}, // the outbox repeats, and says so
		},
	})
	if err != nil {
		return nil, fmt.Errorf("managed identity: %w", err)
	}
	return &managedIdentity{from}, nil
}

// noClaims asks for nothing more than usual, but makes the library pass over its
// own cache, which it shares among all credentials of the process: a token that
// was refused must not come back.
const noClaims = "{}"

func (m *managedIdentity) token(ctx context.Context, scope string) (granted, error) {
	got, err := m.from.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}, Claims: noClaims})
	if err != nil {
		return granted{}, managedIdentityError(err)
	}
	if got.Token == "" {
		return granted{}, &TokenError{cause: errNoToken}
	}
	return granted{got.Token, time.Until(got.ExpiresOn)}, nil
}

// managedIdentityError keeps of an error what is safe to show. The library's own
// texts hold whole answers.
func managedIdentityError(err error) *TokenError {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil || failed.RawResponse.StatusCode/100 == 2 {
		return &TokenError{cause: errors.New("no usable answer from the managed identity's endpoint; see " + variablePrefix + "CONNECTION_<NAME>_MANAGED_IDENTITY")}
	}
	var answer struct {
		Code string `json:"error"`
	}
	if body, err := runtime.Payload(failed.RawResponse); err == nil {
		_ = json.Unmarshal(body, &answer) // another form has no code
	}
	e := refused(failed.RawResponse, answer.Code)
	// While the endpoint is updated it says that there is none
	// (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling).
	e.transient = e.Status == http.StatusNotFound || e.Status == http.StatusGone
	return e
}
