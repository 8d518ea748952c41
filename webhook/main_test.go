package webhook_test

import (
	"os"
	"testing"

	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
