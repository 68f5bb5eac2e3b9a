package credential

import (
	"context"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// witness is a pipeline policy that notes in the context how the last call ended. Azure's identity library folds a
// network error into a message, and errors are classified here by type and errno, never by text.
type witness struct{}

// sight is what the last call of one fetch came to. The zero value says that there was no call.
type sight struct {
	mu     sync.Mutex
	host   string
	status int
	err    error
}

type sightKey struct{}

func watch(ctx context.Context) (context.Context, *sight) {
	seen := &sight{}
	return context.WithValue(ctx, sightKey{}, seen), seen
}

// Do implements policy.Policy.
func (witness) Do(r *policy.Request) (*http.Response, error) {
	response, err := r.Next()
	if seen, ok := r.Raw().Context().Value(sightKey{}).(*sight); ok {
		seen.note(r.Raw().URL.Host, response, err)
	}
	return response, err
}

// fresh forgets what was seen before a token is fetched: Key Vault asks for one by answering 401, and that answer is not
// why an identity fails.
type fresh struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (f fresh) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if seen, ok := ctx.Value(sightKey{}).(*sight); ok {
		seen.note("", nil, nil)
	}
	return f.TokenCredential.GetToken(ctx, options)
}

func (s *sight) note(host string, response *http.Response, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.status, s.err = host, 0, err
	if response != nil {
		s.status = response.StatusCode
	}
}

func (s *sight) last() (string, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host, s.status, s.err
}
