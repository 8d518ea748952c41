//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package localpg

import "syscall"

// setDeathSignal does nothing: the next Start ends what a killed process left.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}
