// Package e2e holds the tests that go through the real doors: the wired service,
// Contoso Live Chat and the sandbox, over HTTP, on real PostgreSQL.
package e2e
