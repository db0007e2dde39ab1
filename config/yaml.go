package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a node of the file is. Its text completes "expected a list, got …".
type kind string

const (
	kindMapping  kind = "a mapping"
	kindSequence kind = "a list"
	kindText     kind = "text"
	kindNumber   kind = "a number"
	kindBool     kind = "true or false"
	kindNull     kind = "nothing"
)

// node is one value of the file. Variables in it are not replaced yet.
type node struct {
	kind kind
	line int
	col  int
	// text is a scalar as written, without its quotes.
	text    string
	entries []entry // of a mapping, in file order
	items   []*node // of a list
}

// entry is one key of a mapping with its value.
type entry struct {
	key       string
	line, col int
	value     *node
}

// depthMax is far above the depth of any configuration.
const depthMax = 32

// parseYAML turns a file into nodes. It returns nil and reports where the text
// is no YAML; what YAML has beyond plain data (anchors, tags, a second document)
// is reported and left out.
func parseYAML(data []byte, report func(line, col int, message string)) *node {
	text := strings.TrimPrefix(string(data), "\ufeff")
	if line, message := unreadable(text); message != "" {
		report(line, 1, message)
		return nil
	}
	file, err := parseFile(hideVariables(text))
	if err != nil {
		line, col, message := syntaxProblem(err)
		report(line, col, message)
		return nil
	}
	t := &treeBuilder{report: report}
	var root *node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.DirectiveType:
		case root != nil:
			line, col := position(doc.Body)
			report(line, col, "a second document begins here: keep one and delete the line ---")
		default:
			root = t.build(doc.Body, 0)
		}
	}
	if root == nil {
		root = &node{kind: kindNull, line: 1, col: 1}
	}
	return root
}

// unreadable says what the text holds that no configuration can, and where.
func unreadable(text string) (line int, message string) {
	if len(text) > fileBytesMax {
		return 1, fmt.Sprintf("the file is larger than %d bytes: is this a configuration?", fileBytesMax)
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return 1 + strings.Count(text[:i], "\n"), "the line is not UTF-8 text: save the file as UTF-8"
		}
		if hidden(r) {
			return 1 + strings.Count(text[:i], "\n"), "the line holds a private-use character: delete it"
		}
	}
	return 0, ""
}

// parseFile calls the library, which panics on some broken files.
func parseFile(text string) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, errors.New("the YAML cannot be read")
		}
	}()
	return parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
}

// The braces of ${VAR} end a plain text inside {…} and […], so before YAML looks
// at the file every rune of a variable moves to a private plane, and back in the
// values after. Runes stay one for one: columns hold.
const hiddenBase = 0xF0000

var variablePattern = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}"'\\\r\n]*)?\}`)

func hidden(r rune) bool { return r >= hiddenBase && r <= hiddenBase+0xFFFF }

func hideVariables(text string) string {
	return variablePattern.ReplaceAllStringFunc(text, func(v string) string {
		return strings.Map(func(r rune) rune {
			if r > 0xFFFF {
				return r
			}
			return r + hiddenBase
		}, v)
	})
}

func showVariables(text string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return r - hiddenBase
		}
		return r
	}, text)
}

// quotedPattern finds what the library quotes of the file in its messages, which
// may be a piece of a secret. Single characters are left: they help.
var quotedPattern = regexp.MustCompile(`:? "(?:[^"\\]|\\.){2,}"`)

func syntaxProblem(err error) (line, col int, message string) {
	line, col, message = 1, 1, "the YAML cannot be read"
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		message = quotedPattern.ReplaceAllString(syntax.Message, "")
		if syntax.Token != nil && syntax.Token.Position != nil {
			line, col = max(syntax.Token.Position.Line, 1), max(syntax.Token.Position.Column, 1)
		}
	}
	return line, col, "bad YAML: " + message +
		"; indent with spaces, write \"key: value\", and quote a text that holds any of : # , [ ] { } & * ! | > ' \" % @ `"
}

// treeBuilder turns the library's tree into ours.
type treeBuilder struct {
	report func(line, col int, message string)
}

func (t *treeBuilder) build(n ast.Node, depth int) *node {
	line, col := position(n)
	out := &node{kind: kindNull, line: line, col: col}
	if depth > depthMax {
		t.report(line, col, "nested too deeply")
		return out
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = kindMapping
		for _, v := range n.Values {
			out.entries = t.entry(out.entries, v, depth)
		}
		if !n.IsFlowStyle && len(out.entries) > 0 { // the library points at the first colon
			out.line, out.col = out.entries[0].line, out.entries[0].col
		}
	case *ast.MappingValueNode:
		out.kind = kindMapping
		out.entries = t.entry(nil, n, depth)
	case *ast.SequenceNode:
		out.kind = kindSequence
		for _, v := range n.Values {
			out.items = append(out.items, t.build(v, depth+1))
		}
	case *ast.StringNode:
		out.kind, out.text = kindText, showVariables(n.Value)
	case *ast.LiteralNode:
		out.kind, out.text = kindText, showVariables(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = kindNumber, showVariables(n.GetToken().Value)
	case *ast.BoolNode:
		out.kind, out.text = kindBool, strings.ToLower(n.GetToken().Value)
	case *ast.NullNode:
	default:
		t.report(line, col, "anchors, aliases and tags are not supported: write the value out, in quotes if it begins with one of & * !")
	}
	return out
}

func (t *treeBuilder) entry(entries []entry, v *ast.MappingValueNode, depth int) []entry {
	line, col := position(v.Key)
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	default:
		t.report(line, col, "a key must be a plain word")
		return entries
	}
	key := showVariables(v.Key.GetToken().Value)
	return append(entries, entry{key: key, line: line, col: col, value: t.build(v.Value, depth+1)})
}

// position returns where a node begins, 1:1 where the library does not know.
func position(n ast.Node) (line, col int) {
	var tk *token.Token
	if n != nil {
		tk = n.GetToken()
	}
	if tk == nil || tk.Position == nil {
		return 1, 1
	}
	return max(tk.Position.Line, 1), max(tk.Position.Column, 1)
}
