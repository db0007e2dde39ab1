package main

import (
	"time"

	"github.com/rs/zerolog"

	"syncd/config"
)

// logger writes to stderr: for people on a terminal, JSON otherwise, unless
// flags or configuration say which.
func (c *cli) logger(h *host, cfg config.Log) zerolog.Logger {
	level, format := cfg.Level, cfg.Format
	if c.LogLevel != "" {
		level = c.LogLevel
	}
	if c.LogFormat != "" {
		format = c.LogFormat
	}
	at, err := zerolog.ParseLevel(level)
	if err != nil {
		at = zerolog.InfoLevel
	}
	if format == "console" || format == "auto" && h.terminal {
		w := zerolog.ConsoleWriter{Out: h.stderr, TimeFormat: time.TimeOnly, NoColor: !h.terminal}
		return zerolog.New(w).Level(at).With().Timestamp().Logger()
	}
	return zerolog.New(h.stderr).Level(at).With().Timestamp().Logger()
}
