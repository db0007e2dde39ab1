package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "syncd"

// row says what a package may import of this module.
type row struct {
	// pkg is a path below the module. "dir/*" is any package directly in dir
	// that has no row of its own, "dir/..." is dir and all below.
	pkg string
	// imports are the packages, patterns as in pkg; a leading "!" takes
	// some away again.
	imports []string
	// tests are what its tests may import as well.
	tests []string
	// stdOnly forbids other modules, too.
	stdOnly bool
}

// arrows is the direction of imports:
//
//	cmd → schedule → sweep → fetch → model
//
// Vendors and the store meet only in cmd/syncd, which hands them inward.
var arrows = []row{
	{pkg: "cmd/syncd", imports: []string{"config", "migrations", "internal/...", "!internal/store/storetest", "!internal/fetch/fetchtest", "!internal/leaktest"}},

	{pkg: "internal/schedule", imports: []string{"internal/sweep", "internal/fetch", "internal/model"}, tests: []string{"internal/store"}},
	{pkg: "internal/sweep", imports: []string{"internal/fetch", "internal/model"}, tests: []string{"internal/store", "internal/fetch/wecom"}},
	{pkg: "internal/fetch", imports: []string{"internal/model"}},
	{pkg: "internal/fetch/lenient"},
	{pkg: "internal/fetch/token", imports: []string{"internal/fetch"}},
	{pkg: "internal/fetch/*", imports: []string{"internal/fetch", "internal/fetch/lenient", "internal/fetch/token", "internal/model"}}, // vendors
	{pkg: "internal/fetch/fetchtest", imports: []string{"internal/fetch", "internal/model", "internal/leaktest"}},
	{pkg: "internal/model", stdOnly: true},

	{pkg: "internal/web", imports: []string{"internal/model"}},

	{pkg: "internal/store", imports: []string{"internal/model", "migrations"}},
	{pkg: "internal/store/storetest", imports: []string{"internal/store", "internal/model", "internal/embedpg", "migrations"}},
	{pkg: "migrations"},

	// These know nothing of the rest, so that nothing can be wrong on both sides.
	{pkg: "config"},
	{pkg: "internal/embedpg"},
	{pkg: "internal/leaktest"},
	{pkg: "internal/vendorsim/...", imports: []string{"internal/vendorsim/..."}},

	{pkg: "internal"}, // this test
	{pkg: "scripts/postgres", imports: []string{"internal/embedpg"}},
}

// testSupport is what any test may import.
var testSupport = []string{
	"internal/store/storetest", "internal/fetch/fetchtest", "internal/vendorsim/...", "internal/embedpg", "internal/leaktest",
}

// listed is a package as `go list -json` prints it.
type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestArrows(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())

	seen := 0
	for list := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p listed
		err := list.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, problem := range check(p) {
			t.Error(problem)
		}
	}
	require.Greater(t, seen, 5, "go list printed too little:\n%s", out)
}

// check says what p imports against the arrows.
func check(p listed) []string {
	pkg := below(p.ImportPath)
	r, ok := rowOf(pkg)
	if !ok {
		return []string{pkg + ": a package without a row in internal/arrows_test.go: add its row"}
	}
	problems := refuse(pkg, p.Imports, r.imports)
	tests := slices.Concat(r.imports, r.tests, testSupport, []string{pkg})
	problems = append(problems, refuse(pkg+" (tests)", p.TestImports, tests)...)
	problems = append(problems, refuse(pkg+" (tests)", p.XTestImports, tests)...)
	if r.stdOnly {
		for _, path := range p.Imports {
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				problems = append(problems, fmt.Sprintf("%s imports %s; it is to import the standard library only", pkg, path))
			}
		}
	}
	return problems
}

func refuse(who string, imports, allowed []string) []string {
	var problems []string
	for _, path := range imports {
		if !strings.HasPrefix(path, module+"/") || allows(allowed, below(path)) {
			continue
		}
		problems = append(problems, fmt.Sprintf("%s imports %s, against the arrows", who, below(path)))
	}
	return problems
}

func below(path string) string { return strings.TrimPrefix(path, module+"/") }

// rowOf is the row of pkg: its own before a pattern.
func rowOf(pkg string) (row, bool) {
	var found *row
	for i, r := range arrows {
		if r.pkg == pkg {
			return r, true
		}
		if matches(r.pkg, pkg) {
			found = &arrows[i]
		}
	}
	if found == nil {
		return row{}, false
	}
	return *found, true
}

func allows(patterns []string, pkg string) bool {
	allowed := false
	for _, pattern := range patterns {
		if without, taken := strings.CutPrefix(pattern, "!"); taken {
			allowed = allowed && !matches(without, pkg)
		} else {
			allowed = allowed || matches(pattern, pkg)
		}
	}
	return allowed
}

func matches(pattern, pkg string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == dir || strings.HasPrefix(pkg, dir+"/")
	}
	if dir, ok := strings.CutSuffix(pattern, "/*"); ok {
		rest, inside := strings.CutPrefix(pkg, dir+"/")
		return inside && !strings.Contains(rest, "/")
	}
	return pattern == pkg
}

// The check itself can fail.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pkg  listed
		want string // part of the only problem; "" for none
	}{
		"inward":              {listed{ImportPath: "syncd/internal/sweep", Imports: []string{"context", "syncd/internal/fetch"}}, ""},
		"outward":             {listed{ImportPath: "syncd/internal/fetch", Imports: []string{"syncd/internal/sweep"}}, "internal/fetch imports internal/sweep"},
		"store in sweep":      {listed{ImportPath: "syncd/internal/sweep", Imports: []string{"syncd/internal/store"}}, "against the arrows"},
		"store in its test":   {listed{ImportPath: "syncd/internal/sweep", XTestImports: []string{"syncd/internal/store"}}, ""},
		"vendor by a vendor":  {listed{ImportPath: "syncd/internal/fetch/scrm", Imports: []string{"syncd/internal/fetch/wecom"}}, "against the arrows"},
		"simulator in vendor": {listed{ImportPath: "syncd/internal/fetch/wecom", Imports: []string{"syncd/internal/vendorsim"}}, "against the arrows"},
		"simulator in test":   {listed{ImportPath: "syncd/internal/fetch/wecom", TestImports: []string{"syncd/internal/vendorsim"}}, ""},
		"vendor in simulator": {listed{ImportPath: "syncd/internal/vendorsim", TestImports: []string{"syncd/internal/fetch/wecom"}}, "against the arrows"},
		"test code in cmd":    {listed{ImportPath: "syncd/cmd/syncd", Imports: []string{"syncd/internal/store/storetest"}}, "against the arrows"},
		"cmd":                 {listed{ImportPath: "syncd/cmd/syncd", Imports: []string{"syncd/config", "syncd/internal/fetch/wecom"}}, ""},
		"model and a module":  {listed{ImportPath: "syncd/internal/model", Imports: []string{"time", "github.com/jackc/pgx/v5"}}, "standard library only"},
		"a new package":       {listed{ImportPath: "syncd/internal/util"}, "add its row"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := check(c.pkg)
			if c.want == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], c.want)
		})
	}
}

// Of the command's files, only wire.go names vendors.
func TestOnlyWireNamesVendors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../cmd/syncd/*.go")
	require.NoError(t, err)
	for _, file := range files {
		if filepath.Base(file) == "wire.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if matches("internal/fetch/*", below(path)) && below(path) != "internal/fetch/lenient" {
				t.Errorf("%s imports %s: vendors are named in wire.go only", file, below(path))
			}
		}
	}
}
