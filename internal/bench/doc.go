// Package bench measures the whole service as a program of its own: real tokens,
// a durable PostgreSQL, both directions, over loopback. Beside it, in the same
// run, it measures what bounds it: bare commits of the same database, and a
// pass-through that keeps everything in memory.
//
// The generator of load and the peers share the machine's cores with what they
// measure, so they speak the least HTTP there is. What they cost is part of the
// result. Nothing here asserts a time: the report holds figures against targets,
// and says which were missed.
package bench
