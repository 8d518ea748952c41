package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A machine is what the figures hold for.
type machine struct {
	cpu      string
	cores    int
	memory   string
	system   string
	disk     string // file system under the database
	sync     time.Duration
	load     string // how busy others keep it, when the run begins
	golang   string
	database string
	date     time.Time
}

// describe looks at the machine; dir is where the database will live.
func describe(dir string) (machine, error) {
	m := machine{
		cpu: field("/proc/cpuinfo", "model name"), cores: runtime.NumCPU(),
		memory: field("/proc/meminfo", "MemTotal"), system: runtime.GOOS + "/" + runtime.GOARCH,
		disk: fileSystem(dir), golang: strings.TrimPrefix(runtime.Version(), "go"), date: time.Now(),
	}
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return m, errNoProc
	}
	m.load, _, _ = strings.Cut(string(raw), " ")
	m.sync, err = syncCost(dir)
	return m, err
}

// field returns the first value of a name in a file of the form "name: value".
func field(path, name string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for row := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(row, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// fileSystem names the type of the file system that holds dir.
func fileSystem(dir string) string {
	raw, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "unknown"
	}
	best, kind := "", "unknown"
	for row := range strings.Lines(string(raw)) {
		f := strings.Fields(row)
		if len(f) < 3 {
			continue
		}
		at := f[1]
		if rel, err := filepath.Rel(at, dir); err == nil && !strings.HasPrefix(rel, "..") && len(at) >= len(best) {
			best, kind = at, f[2]
		}
	}
	return kind
}

// syncCost is how long the disk takes to keep a page: the median of a second of
// rewriting 8 KiB, which is what a commit waits for.
func syncCost(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	defer os.RemoveAll(f.Name())
	defer f.Close()
	page := make([]byte, 8<<10)
	var all sample
	for began := time.Now(); time.Since(began) < time.Second; {
		at := time.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		all.add(time.Since(at))
	}
	return all.quantile(0.5), nil
}
