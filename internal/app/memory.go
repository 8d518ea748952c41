package app

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how far the heap may grow, in percent of what is alive, before it
// is collected. What is alive here is a few MB: at Go's own 100 percent an eighth
// of the processor time under load goes to collecting it again and again.
const heapGrowth = 400

// SpendMemory trades memory for processor time, for the whole process. An
// operator who sets GOGC decides otherwise; GOMEMLIMIT bounds it as ever.
func SpendMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
