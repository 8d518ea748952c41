package words

import "github.com/rivo/uniseg"

const ellipsis = "…"

// Clip returns text if it is no longer than limit, else what fits of it and an
// ellipsis. It cuts between characters as a reader sees them.
func Clip(text string, limit int, u Unit) string {
	if u.Len(text) <= limit {
		return text
	}
	room, end := limit-u.Len(ellipsis), 0
	for rest, state := text, -1; rest != ""; {
		var char string
		char, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if room -= u.Len(char); room < 0 {
			break
		}
		end += len(char)
	}
	return text[:end] + ellipsis
}
