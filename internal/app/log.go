package app

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// NewLogger returns the logger c asks for: text when w is a terminal, JSON
// otherwise.
func NewLogger(c Config, w io.Writer) *slog.Logger {
	l, err := level(c.LogLevel)
	if err != nil {
		l = slog.LevelInfo
	}
	opt := &slog.HandlerOptions{Level: l}
	if c.LogFormat == "text" || c.LogFormat == "" && terminal(w) {
		return slog.New(slog.NewTextHandler(w, opt))
	}
	return slog.New(slog.NewJSONHandler(w, opt))
}

func level(text string) (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("log level: %w", err)
	}
	return l, nil
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
