package main

import (
	"strings"
	"testing"
)

func TestConnect_refuses_modes_that_guess_types(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "simple_protocol"} {
		_, err := connect(t.Context(), "postgres://user:hunter2@127.0.0.1:1/db?default_query_exec_mode="+mode)
		if err == nil || !strings.Contains(err.Error(), "cache_describe") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want what to write instead", mode, err)
		}
	}
}
