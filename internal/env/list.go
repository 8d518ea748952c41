package env

import "strings"

// List splits a secret that holds a comma list. Empty parts are left out.
func List(s Secret) []Secret {
	var list []Secret
	for part := range strings.SplitSeq(s.Reveal(), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, Secret(part))
		}
	}
	return list
}
