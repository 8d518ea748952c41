package bench

import (
	"fmt"
	"math"
	"time"
)

// What the service is to reach on two cores with its database on them.
const (
	targetRate     = 4000.0 // messages a second each way, at the highest concurrency
	targetOfBare   = 0.4    // of the rate of bare commits
	targetHalf     = 3 * time.Millisecond
	targetMost     = 20 * time.Millisecond
	targetCost     = 500 * time.Microsecond
	targetMemory   = 128 << 20
	targetFlat     = 1.2 // growth of a message's cost that still counts as none
	targetOfScript = 3.0 // times what the SDK does
)

// Microsoft's JavaScript SDK for agents, a skill that forwards from memory and
// keeps nothing, on a machine of this kind: the better end of what was measured.
const (
	scriptRate = 1300.0
	scriptCost = 800 * time.Microsecond
)

// A verdict is a figure against its target.
type verdict struct {
	what, figure, target string
	factor               float64 // 1 meets the target, more is better, infinity is nothing at all
}

func (v verdict) String() string {
	word := "met"
	if v.factor < 1 {
		word = "missed"
	}
	text := fmt.Sprintf("%s: %s; target %s: %s", v.what, v.figure, v.target, word)
	if math.IsInf(v.factor, 1) {
		return text
	}
	return fmt.Sprintf("%s (x%.2f)", text, v.factor)
}

// atLeast and atMost judge a figure; write puts one into words.
func atLeast(what string, figure, target float64, write func(float64) string) verdict {
	return verdict{what, write(figure), "at least " + write(target), ratio(figure, target)}
}

func atMost(what string, figure, target float64, write func(float64) string) verdict {
	return verdict{what, write(figure), "at most " + write(target), target / figure}
}

func writeRate(f float64) string   { return grouped(int(f+0.5)) + "/s" }
func writeTimes(f float64) string  { return fmt.Sprintf("%.2f", f) }
func writeDelay(f float64) string  { return ms(time.Duration(f)) }
func writeMemory(f float64) string { return fmt.Sprintf("%.0f MB", f/(1<<20)) }

// verdicts judges the report. Of several cells the worst counts.
func (r *Report) verdicts() []verdict {
	workers := r.scale.mostWorkers()
	commits := r.bare[workers].rate()
	var all []verdict
	for _, kind := range directions() {
		worst := r.worst(kind, workers)
		rate := worst.rate()
		name := fmt.Sprintf("%s, %d at once", kind, workers)
		all = append(all,
			atLeast(name+", durable throughput", rate, targetRate, writeRate),
			atLeast(name+", share of the bare commit rate", ratio(rate, commits), targetOfBare, writeTimes),
			atMost(name+", the service's processor time for a message", float64(r.dearest(kind, workers).cost()), float64(targetCost), writeDelay),
		)
	}
	for _, kind := range directions() {
		name := fmt.Sprintf("%s, %d a second", kind, r.scale.pace)
		p := r.paced[kind]
		all = append(all,
			atMost(name+", accept to arrival, p50", float64(p.after.quantile(0.50)), float64(targetHalf), writeDelay),
			atMost(name+", accept to arrival, p99", float64(p.after.quantile(0.99)), float64(targetMost), writeDelay),
			atMost(name+", begin to arrival, p50, which is more than was asked", float64(p.arrive.quantile(0.50)), float64(targetHalf), writeDelay),
			atMost(name+", begin to arrival, p99, which is more than was asked", float64(p.arrive.quantile(0.99)), float64(targetMost), writeDelay),
			atMost(name+", the service's processor time for a message", float64(p.cost()), float64(targetCost), writeDelay),
		)
	}
	all = append(all, atMost(
		fmt.Sprintf("the service's memory at its peak, %s conversations open", grouped(r.scale.mostConversations())),
		float64(r.peak), targetMemory, writeMemory))
	all = append(all, r.flat(workers)...)
	return append(all, r.beside(workers)...)
}

// flat judges how the cost of a message grows.
func (r *Report) flat(workers int) []verdict {
	few, many := r.scale.conversations[0], r.scale.mostConversations()
	var all []verdict
	for _, kind := range directions() {
		a, b := r.cells[cell{kind, workers, few}], r.cells[cell{kind, workers, many}]
		all = append(all, atMost(
			fmt.Sprintf("%s, cost of a message over %s conversations, times that over %s", kind, grouped(many), grouped(few)),
			ratio(float64(whole(b)), float64(whole(a))), targetFlat, writeTimes))
	}
	for _, kind := range directions() {
		a, b := r.compared[compared{kind, false}], r.compared[compared{kind, true}]
		all = append(all, atMost(
			fmt.Sprintf("%s, cost of a message beside %s finished ones, times that beside none", kind, grouped(r.scale.history)),
			ratio(float64(whole(b)), float64(whole(a))), targetFlat, writeTimes))
	}
	return all
}

// beside compares with Microsoft's SDK.
func (r *Report) beside(workers int) []verdict {
	worst := r.worst(userSays, workers)
	return []verdict{
		atLeast("user to agent, throughput, times the JavaScript SDK's in memory", worst.rate()/scriptRate, targetOfScript, writeTimes),
		atLeast("user to agent, messages for the same processor time, times the JavaScript SDK's",
			ratio(float64(scriptCost), float64(r.dearest(userSays, workers).cost())), targetOfScript, writeTimes),
	}
}

// worst is the slowest of a direction's cells, dearest the one with the highest
// cost.
func (r *Report) worst(kind kind, workers int) *result {
	return r.pick(kind, workers, func(a, b *result) bool { return a.rate() < b.rate() })
}

func (r *Report) dearest(kind kind, workers int) *result {
	return r.pick(kind, workers, func(a, b *result) bool { return a.cost() > b.cost() })
}

func (r *Report) pick(kind kind, workers int, better func(a, b *result) bool) *result {
	var picked *result
	for _, conversations := range r.scale.conversations {
		at := r.cells[cell{kind, workers, conversations}]
		if picked == nil || better(at, picked) {
			picked = at
		}
	}
	return picked
}

// whole is what a message costs the service and the database.
func whole(r *result) time.Duration { return each(r.cpu.service+r.cpu.database, r.messages) }
