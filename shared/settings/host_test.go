package settings

import "testing"

// What a caller writes into the platform's headers must not be believed for a typing error.
func TestPlatformAuth(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"True": true, "true": true, "": false, "False": false, "1": false, "yes": false} {
		s, err := Parse(env{"WEBSITE_AUTH_ENABLED": value}.get)
		if err != nil || s.Host.PlatformAuth != want {
			t.Errorf("WEBSITE_AUTH_ENABLED=%q: %v, %v", value, s.Host.PlatformAuth, err)
		}
	}
}
