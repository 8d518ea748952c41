package pgtest

import (
	"strings"
	"testing"
)

func TestProvide_a_forced_server_that_is_missing_is_an_error(t *testing.T) {
	t.Setenv("TEST_DATABASE_URL", "")
	for forced, want := range map[string]string{
		"url":    "needs TEST_DATABASE_URL",
		"sqlite": `"sqlite", want docker, local or url`,
	} {
		_, _, _, err := provide(t.Context(), forced)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("TEST_PG=%s: %v, want %q", forced, err, want)
		}
	}
}

func TestProvide_a_given_URL_comes_first(t *testing.T) {
	t.Setenv("TEST_DATABASE_URL", "postgres://given")
	got, kind, _, err := provide(t.Context(), "")
	if err != nil || got != "postgres://given" || kind != "given" {
		t.Errorf("%q, %q, %v", got, kind, err)
	}
}

func TestConnect_a_bad_URL_is_not_repeated(t *testing.T) {
	t.Parallel()
	_, _, err := connect(t.Context(), "mysql://user:hunter2@host/db")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
}
