// Package fetch gets what strangers name: URLs that came in a message. Whoever
// writes them must not reach, through us, what only we can reach: loopback, our
// own network, a cloud's metadata service.
//
// An address is judged when it is dialled, after DNS has answered, so that a name
// that changes its answer, a number written in another way and a redirect are all
// judged by where they lead. Only https is spoken, no proxy is used and no
// credential is held; what an operator named, and only that, may be elsewhere. A
// body ends with [ErrTooLarge], [ErrTooSlow] or [ErrCutShort] when it is not as it
// should be.
//
// A [RefusedError] holds the host only. What wraps it, net/http's url.Error,
// holds the whole URL, which may be a key: unwrap it before it is logged.
package fetch
