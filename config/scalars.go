package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// set parses text into v by v's type and the limits in tag. It returns what was
// expected instead, without the text, or "". literal says that the text is as the
// file has it, so that a parser's own words, which quote it, may be shown.
func set(v reflect.Value, text string, tag reflect.StructTag, literal bool) string {
	switch target := v.Addr().Interface().(type) {
	case *string:
		*target = text
		return textProblem(text, tag)
	case *bool:
		*target = text == "true"
		if text != "true" && text != "false" {
			return "expected true or false"
		}
	case *int, *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || outside(n, tag, parseInt) {
			return "expected a whole number" + span(tag)
		}
		v.SetInt(n)
	case *float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || outside(f, tag, parseFloat) || math.IsNaN(f) {
			return "expected a number" + span(tag)
		}
		*target = f
	case *time.Duration:
		duration, err := ParseDuration(text)
		if err != nil || outside(duration, tag, ParseDuration) {
			return "expected a duration" + span(tag) + ", such as 90s, 24h or 30d"
		}
		*target = duration
	case *Schedule:
		schedule, err := ParseSchedule(text)
		if err != nil {
			return "expected a schedule of five fields, minute hour day month weekday" + reason(err, literal)
		}
		*target = schedule
	case **time.Location:
		zone, err := parseZone(text)
		if err != nil {
			return "expected a time zone such as " + zoneChina
		}
		*target = zone
	default:
		panic(fmt.Sprintf("config: no parser for %s", v.Type()))
	}
	return ""
}

func reason(err error, literal bool) string {
	if !literal {
		return ""
	}
	return " (" + err.Error() + ")"
}

// textProblem checks a text against the limits in tag.
func textProblem(text string, tag reflect.StructTag) string {
	if tag.Get("lines") != "many" && strings.ContainsFunc(text, unicode.IsControl) {
		return "expected one line without control characters"
	}
	if limit, err := strconv.Atoi(tag.Get("bytes")); err == nil && len(text) > limit {
		return fmt.Sprintf("expected at most %d bytes", limit)
	}
	if words := strings.Fields(tag.Get("oneof")); len(words) > 0 && !slices.Contains(words, text) {
		message := "expected one of " + strings.Join(words, ", ")
		if meant := nearest(text, words); meant != "" {
			message += " (perhaps " + meant + ")"
		}
		return message
	}
	return ""
}

func parseInt(text string) (int64, error)     { return strconv.ParseInt(text, 10, 64) }
func parseFloat(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// outside reports whether v breaks the min or max of tag.
func outside[T int64 | float64 | time.Duration](v T, tag reflect.StructTag, parse func(string) (T, error)) bool {
	limit := func(name string) (T, bool) {
		text := tag.Get(name)
		if text == "" {
			return 0, false
		}
		l, err := parse(text)
		if err != nil {
			panic(fmt.Sprintf("config: tag %s:%q: %v", name, text, err))
		}
		return l, true
	}
	if low, ok := limit("min"); ok && v < low {
		return true
	}
	high, ok := limit("max")
	return ok && v > high
}

// span puts the limits of tag into words.
func span(tag reflect.StructTag) string {
	switch low, high := tag.Get("min"), tag.Get("max"); {
	case low != "" && high != "":
		return " from " + low + " to " + high
	case low != "":
		return " of at least " + low
	default:
		return ""
	}
}

var errSecretText = errors.New("expected one line: it holds a line break or a control character")

// checkSecret refuses what no vendor's secret holds and an HTTP header cannot.
func checkSecret(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errSecretText
	}
	return nil
}
