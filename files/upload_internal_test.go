package files

import (
	"net/url"
	"testing"
)

// TestUploadsTo: a suffix is one at a dot, on the port of https, with nothing before
// the host; origins that are known in advance are taken whole.
func TestUploadsTo(t *testing.T) {
	t.Parallel()
	s := &Store{opt: Options{
		Config: Config{Uploads: []string{"sharepoint.com", " SharePoint.us"}},
		Peers:  map[string]Peer{"": {Origins: []string{"http://127.0.0.1:5002/teams/"}}},
	}}
	for raw, want := range map[string]bool{
		"https://contoso-my.sharepoint.com/personal/x/_api/upload?guid=1": true,
		"https://CONTOSO.sharepoint.US/x":                                 true,
		"http://127.0.0.1:5002/sharepoint/upload/1":                       true,
		"http://127.0.0.1:5003/sharepoint/upload/1":                       false,
		"https://127.0.0.1:5002/sharepoint/upload/1":                      false,
		"http://user@127.0.0.1:5002/sharepoint/upload/1":                  false,
		"http://contoso.sharepoint.com/x":                                 false,
		"https://contoso.sharepoint.com:8443/x":                           false,
		"https://contoso.sharepoint.com@evil.example/x":                   false,
		"https://user@contoso.sharepoint.com/x":                           false,
		"https://evilsharepoint.com/x":                                    false,
		"https://contoso.sharepoint.com.evil.example/x":                   false,
		"https://sharepoint.com/x":                                        false,
		"https://169.254.169.254/x":                                       false,
		"//contoso.sharepoint.com/x":                                      false,
		"":                                                                false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.uploadsTo(u); got != want {
			t.Errorf("%s: %t, want %t", raw, got, want)
		}
	}
}
