package sandbox_test

import (
	"os"
	"testing"

	"github.com/liaison-skill/liaison/internal/steady"
)

func TestMain(m *testing.M) { os.Exit(steady.Main(m, steady.Idle()...)) }
