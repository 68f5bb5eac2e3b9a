// Package lab builds networks that really fail and holds the check's answer against the truth. Its tests make network
// namespaces (vantage, router, DNS, source, target), joined by nothing but each other, and run the real check in the
// vantage: what the report names must be what was built. A situation is a few lines of a table; `go test -v` prints
// them all with what was named. It needs root, ip and nft. Nothing of it is linked into the handler.
package lab
