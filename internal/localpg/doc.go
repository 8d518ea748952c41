// Package localpg runs a private PostgreSQL server from the binaries installed
// on this machine: the service's own database when it is given none, and the
// tests'.
//
// A server lives in one folder, which holds everything of it:
//
//	lock          held while a process uses the folder; says which one
//	data/         the cluster
//	postgres.log  the server's own log, without statements and row contents
//	run/          the socket, unless the path would be too long for one
//
// It listens on a Unix socket in a folder only its owner can enter, so no
// password is needed and none is kept. It ends with the process that started it,
// also when that process is killed; on systems without a parent-death signal the
// next Start ends it. A folder is never wiped, whatever is wrong with it.
//
// PostgreSQL refuses to run as root: for root the server runs as the owner of
// the data, at first "postgres" or else "nobody".
package localpg
