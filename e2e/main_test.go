package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds every wait, far above what a loaded machine needs.
const patience = 30 * time.Second

// syncro is the path of the program, built once for all tests.
var syncro string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "syncro-e2e-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing can be done about it at the end
	syncro = filepath.Join(dir, "syncro")
	// As `make build` does it, so that what is tried is what is delivered.
	build := exec.Command("go", "build", "-trimpath", "-o", syncro, "syncro/cmd/syncro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if output, err := build.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("%w\n%s", err, output))
	}
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "e2e: building the program:", err)
	return 1
}
