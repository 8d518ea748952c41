package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestRun_without_a_database_says_what_to_set(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	err := run(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is not set") {
		t.Errorf("got %v", err)
	}
}

func TestRun_a_wrong_database_URL_is_not_repeated(t *testing.T) { //nolint:paralleltest // the environment is the process's
	for _, databaseURL := range []string{
		"postgres://desk:hush/hush@db.example/contoso", "postgres://desk:hush%zz@db.example/", "host=db.example password=hush-hush port=x", "hush-hush",
	} {
		t.Setenv("DATABASE_URL", databaseURL)
		err := run(t.Context(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is not") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", databaseURL, err)
		}
	}
}

func TestRun_migrates_serves_and_ends_with_its_context(t *testing.T) {
	t.Setenv("DATABASE_URL", pgtest.URL(pgtest.DB(t)))
	t.Setenv("CONTOSO_LISTEN", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	logs, written := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, written)
		_ = written.CloseWithError(err)
		ended <- err
	}()
	lines := bufio.NewScanner(logs)
	if !lines.Scan() {
		t.Fatalf("ended early: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, logs) }()
	_, address, _ := strings.Cut(lines.Text(), "address=")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/chat/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d from a database migrated just now", resp.StatusCode)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
