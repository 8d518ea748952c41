// Package steady keeps tests that share a process, or a machine, out of each other's
// way, and looks for goroutines they leave behind.
package steady

import "net/http"

// HTTP gives the process a default transport that httptest does not reset: a
// server of that package, when it closes, closes the idle connections of the
// default transport, and a request that is just being given one of them fails.
// The function it returns puts the old one back, without idle connections.
func HTTP() (release func()) {
	old := http.DefaultTransport
	http.DefaultTransport = transport{old}
	return func() {
		http.DefaultTransport = old
		http.DefaultClient.CloseIdleConnections()
	}
}

// transport hides every method of a transport but one.
type transport struct{ http.RoundTripper }
