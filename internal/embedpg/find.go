package embedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// majorMin is the oldest PostgreSQL that syncd works with.
const majorMin = 15

// Hint narrows the search for binaries. The zero value takes any.
type Hint struct {
	// BinDir is the only directory to look in; "" searches the machine.
	BinDir string
	// Major is the only major version that will do; 0 takes 15 or newer.
	Major int
	// User is who must be able to run them when we are root; "" means postgres,
	// else nobody.
	User string
}

// Binaries are one installation of the PostgreSQL server.
type Binaries struct {
	// Dir holds postgres and initdb, with symbolic links resolved.
	Dir string
	// Version is what postgres says of itself ("15.18"), Major its first part.
	Version string
	Major   int
}

func (b Binaries) path(program string) string { return filepath.Join(b.Dir, program) }

// ErrNoBinaries says that no usable PostgreSQL server is installed. Its text
// names the ways out.
var ErrNoBinaries = errors.New(`no PostgreSQL server to run; either
	install one (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql),
	or name the directory of postgres and initdb in embedded.bin_dir,
	or set database_url to a server that runs already`)

// Find looks for the programs postgres and initdb, of PostgreSQL 15 or newer,
// and asks them for their version. It takes the first of: the hinted
// directory (and then no other), PATH, what pg_config says, the newest of the
// versioned directories of distributions, Homebrew and Postgres.app, the
// newest bundle in syncd's cache. The error wraps [ErrNoBinaries] and says what
// was found and why it would not do.
func Find(ctx context.Context, hint Hint) (Binaries, error) {
	acct, err := chooseAccount(hint.User, "")
	if err != nil {
		return Binaries{}, err
	}
	return find(ctx, hint, acct)
}

func find(ctx context.Context, hint Hint, acct account) (Binaries, error) {
	return machinePlaces().find(ctx, hint, acct)
}

// places is where binaries may be, in the order of search.
type places struct {
	path     []string // directories, in order
	pgConfig string   // the program, or ""
	globs    []string // patterns of versioned directories
	bundles  []string // patterns of directories in our cache
}

func machinePlaces() places {
	p := places{
		path: filepath.SplitList(os.Getenv("PATH")),
		globs: []string{
			"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
			"/usr/pgsql-*/bin",          // PGDG on Fedora, RHEL
			"/usr/libexec/postgresql*",  // Alpine
			"/usr/lib/postgresql*/bin",  // SUSE
			"/usr/local/pgsql/bin",      // built from source
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin",
			"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
		bundles: []string{filepath.Join(sharedBundles, "*", "bin")},
	}
	if program, err := exec.LookPath("pg_config"); err == nil {
		p.pgConfig = program
	}
	if dir, err := BundleDir(); err == nil && dir != sharedBundles {
		p.bundles = append(p.bundles, filepath.Join(dir, "*", "bin"))
	}
	return p
}

// sharedBundles is where root keeps bundles: an unprivileged user can run what
// is there, and could not reach a cache in root's home.
const sharedBundles = "/var/cache/syncd/postgres"

// BundleDir is where [Find] looks, last, for installations that somebody
// unpacked for syncd, each in a directory named after its version with bin,
// lib and share in it. It may not exist.
func BundleDir() (string, error) {
	if os.Geteuid() == 0 {
		return sharedBundles, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(cache, "syncd", "postgres"), nil
}

func (p places) find(ctx context.Context, hint Hint, acct account) (Binaries, error) {
	if hint.BinDir != "" {
		bin, err := probe(ctx, hint.BinDir, acct)
		if err == nil {
			err = bin.suits(hint.Major)
		}
		if err != nil {
			return Binaries{}, fmt.Errorf("%w\n(embedded.bin_dir: %w)", ErrNoBinaries, err)
		}
		return bin, nil
	}
	var refused []error
	for _, group := range p.groups(ctx, acct) {
		var found []Binaries
		for _, dir := range group {
			bin, err := probe(ctx, dir, acct)
			if errors.Is(err, errNothingHere) {
				continue
			}
			if err == nil {
				err = bin.suits(hint.Major)
			}
			if err != nil {
				refused = append(refused, err)
				continue
			}
			found = append(found, bin)
		}
		if len(found) > 0 {
			return slices.MaxFunc(found, func(a, b Binaries) int { return cmp.Compare(a.Major, b.Major) }), nil
		}
	}
	err := ErrNoBinaries
	if hint.Major != 0 {
		err = fmt.Errorf("%w\n(only PostgreSQL %d will do: the data directory was made by it)", err, hint.Major)
	}
	if len(refused) > 0 {
		err = fmt.Errorf("%w\n(found: %w)", err, errors.Join(refused...))
	}
	return Binaries{}, err
}

// groups are the directories to probe; of each group the newest is taken, and a
// group only if the ones before it had nothing.
func (p places) groups(ctx context.Context, acct account) [][]string {
	var groups [][]string
	for _, dir := range p.path {
		if filepath.IsAbs(dir) {
			groups = append(groups, []string{dir})
		}
	}
	if p.pgConfig != "" {
		// A pg_config that fails is like none: the search goes on.
		if out, err := run(ctx, acct, "/", p.pgConfig, "--bindir"); err == nil {
			groups = append(groups, []string{strings.TrimSpace(out)})
		}
	}
	return append(groups, expand(p.globs), expand(p.bundles))
}

func expand(patterns []string) []string {
	var dirs []string
	for _, pattern := range patterns {
		// The only error is a bad pattern; a cache directory may hold a bracket.
		matches, err := filepath.Glob(pattern)
		if err == nil {
			dirs = append(dirs, matches...)
		}
	}
	return dirs
}

// errNothingHere says that a directory holds no PostgreSQL server.
var errNothingHere = errors.New("no postgres and initdb here")

// versionLine is what `postgres --version` prints: "postgres (PostgreSQL) 15.18
// (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 19beta1".
var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// probe asks the postgres of dir for its version, as the user who will run it:
// so binaries that this user cannot reach are passed over.
func probe(ctx context.Context, dir string, acct account) (Binaries, error) {
	for _, program := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			return Binaries{}, fmt.Errorf("%s: %w", dir, errNothingHere)
		}
	}
	// The programs find their libraries and data from where they really are.
	program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return Binaries{}, fmt.Errorf("%s: %w", dir, err)
	}
	bin := Binaries{Dir: filepath.Dir(program)}
	out, err := run(ctx, acct, "/", program, "--version")
	if err != nil {
		return Binaries{}, fmt.Errorf("as user %s: %w", acct.name, err)
	}
	match := versionLine.FindStringSubmatch(out)
	if match == nil {
		return Binaries{}, fmt.Errorf("%s --version says %q", program, strings.TrimSpace(out))
	}
	bin.Version = match[1]
	if bin.Major, err = strconv.Atoi(match[2]); err != nil {
		return Binaries{}, fmt.Errorf("%s --version: %w", program, err)
	}
	return bin, nil
}

// suits says why b will not do; major 0 takes any that is not too old.
func (b Binaries) suits(major int) error {
	if b.Major < majorMin {
		return fmt.Errorf("%s is PostgreSQL %s, older than %d", b.Dir, b.Version, majorMin)
	}
	if major != 0 && b.Major != major {
		return fmt.Errorf("%s is PostgreSQL %s, not %d", b.Dir, b.Version, major)
	}
	return nil
}
