package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// expandError says why the variables of a text could not be replaced.
type expandError struct {
	// unset are the variables that are not set; none where the text itself is
	// malformed.
	unset []string
	// whole says that the text is one variable and nothing else.
	whole bool
}

func (e *expandError) message() string {
	if len(e.unset) == 0 {
		return "expected ${VAR} or ${VAR:-default} after a $: write $$ for a plain $ before a {"
	}
	return fmt.Sprintf("${%s} is not set: set this environment variable, or write ${%s:-default}",
		strings.Join(e.unset, "}, ${"), e.unset[0])
}

var expandPattern = regexp.MustCompile(`\$\$|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})?`)

// expand replaces ${VAR} and ${VAR:-default} (the default also where the variable
// is set but empty, as in a shell) and turns $$ into $. What it puts in is not
// looked at again.
func (d *decoder) expand(text string) (string, *expandError) {
	var unset []string
	broken := false
	out := expandPattern.ReplaceAllStringFunc(text, func(match string) string {
		m := expandPattern.FindStringSubmatch(match)
		name, fallback := m[1], m[2]
		switch {
		case match == "$$":
			return "$"
		case name == "":
			broken = true
			return ""
		}
		value, ok := "", false
		if d.getenv != nil {
			value, ok = d.getenv(name)
		}
		switch {
		case fallback != "" && value == "":
			return fallback[len(":-"):]
		case !ok:
			unset = append(unset, name)
		}
		return value
	})
	switch {
	case broken:
		return "", &expandError{}
	case unset != nil:
		return "", &expandError{unset: unset, whole: text == "${"+unset[0]+"}"}
	}
	return out, nil
}

// text returns the text of a scalar with its variables replaced. unsetEmpty lets
// a value that is one unset variable be empty.
func (d *decoder) text(n *node, path string, unsetEmpty bool) (string, bool) {
	if n.kind == kindMapping || n.kind == kindSequence || n.kind == kindNull {
		d.add(path, "expected a single value, got %s", n.kind)
		return "", false
	}
	text, err := d.expand(n.text)
	if err != nil && (!unsetEmpty || !err.whole) {
		d.add(path, "%s", err.message())
		return "", false
	}
	return text, true
}

// secret reads a secret key or its _file twin. No message shows the value.
func (d *decoder) secret(given map[string]*node, path string, f field) Secret {
	key, keyFile := join(path, f.key), join(path, f.key+"_file")
	var text string
	if n := given[f.key]; n != nil {
		var ok bool
		if text, ok = d.secretText(n, key, f.tag.Get("unset") == "empty"); !ok {
			return Secret{}
		}
	}
	n := given[f.key+"_file"]
	if n == nil {
		return NewSecret(text)
	}
	name, ok := d.text(n, keyFile, false)
	switch {
	case !ok || name == "":
		return NewSecret(text)
	case text != "":
		d.add(keyFile, "give %s or %s, not both", f.key, f.key+"_file")
		return Secret{}
	}
	text, err := d.readFile(name)
	if err == nil {
		err = checkSecret(text)
	}
	if err != nil {
		d.add(keyFile, "file %s: %v", quoted(n, name), err)
		return Secret{}
	}
	return NewSecret(text)
}

// secretText reads the inline value of a secret key.
func (d *decoder) secretText(n *node, key string, unsetEmpty bool) (string, bool) {
	if n.kind == kindBool {
		d.add(key, "expected text, got true or false: put it in quotes")
		return "", false
	}
	text, ok := d.text(n, key, unsetEmpty)
	if !ok {
		return "", false
	}
	if err := checkSecret(text); err != nil {
		d.add(key, "%v", err)
		return "", false
	}
	return text, true
}

// secretBytesMax is far above any secret.
const secretBytesMax = 64 << 10

// readSecretFile returns the content of a small regular file without one trailing
// line end. Its errors say what to do and leave the path to the caller.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", withoutPath(err)
	case !info.Mode().IsRegular():
		return "", errors.New("is not a regular file")
	case info.Size() > secretBytesMax:
		return "", fmt.Errorf("is larger than %d bytes: is this a secret?", secretBytesMax)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", withoutPath(err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", errors.New("is empty: put the secret in it")
	}
	return text, nil
}

func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
