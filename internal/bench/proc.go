package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/[pid]/stat: USER_HZ, 100 on every Linux
// that Go runs on (proc(5)).
const tick = 10 * time.Millisecond

var errNoProc = errors.New("what a process uses is read from /proc: run the benchmark on Linux")

// stat returns the fields of /proc/[pid]/stat behind the command's name, so that
// the first is the state.
func stat(pid string) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(raw, ')') // the name may hold anything
	fields := strings.Fields(string(raw[end+1:]))
	if end < 0 || len(fields) < 20 {
		return nil, errNoProc
	}
	return fields, nil
}

// ticks sums fields of stat.
func ticks(fields []string, at ...int) time.Duration {
	var sum time.Duration
	for _, i := range at {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		sum += time.Duration(n) * tick
	}
	return sum
}

// cpuOf is the processor time a process has used.
func cpuOf(pid int) (time.Duration, error) {
	fields, err := stat(strconv.Itoa(pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return ticks(fields, 11, 12), nil // utime, stime
}

// cpuOfTree is that of a process with its children, also those that have ended.
func cpuOfTree(pid int) (time.Duration, error) {
	fields, err := stat(strconv.Itoa(pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	sum := ticks(fields, 11, 12, 13, 14) // and cutime, cstime
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, dir := range all {
		child, err := stat(filepath.Base(dir))
		if err != nil {
			continue // it has ended
		}
		if child[1] == strconv.Itoa(pid) {
			sum += ticks(child, 11, 12)
		}
	}
	return sum, nil
}

// cpuOfAll is what every process of the machine has used, and what its host took
// away.
func cpuOfAll() (time.Duration, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errNoProc
	}
	return ticks(fields, 1, 2, 3, 6, 7, 8), nil // user, nice, system, irq, softirq, steal
}

// memory is what a process has in memory now and had at most, in bytes.
func memory(pid int) (now, peak int64, err error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, 0, fmt.Errorf("read memory: %w", err)
	}
	for row := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(row, ":")
		kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak, nil
}
