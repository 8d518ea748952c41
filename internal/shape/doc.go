// Package shape holds the tests that measure the code's shape and keep it within
// the house's limits. Its figures go into docs/design.md:
//
//	go test -count=1 -run TestShape -v ./internal/shape
package shape
