package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverythingThatIsWrongWithAConfigurationIsReportedTogether(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Config{Addr: "8080", DataDir: file, Database: "mysql://x", Webhooks: "intranet", RateLimit: 0, LogLevel: "loud", LogFormat: "xml"}.Check()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 7 {
		t.Fatalf("got %v", err)
	}
	for i, flag := range []string{"--addr", "--data-dir", "--database", "--webhook-allow", "--rate-limit", "--log-level", "--log-format"} {
		if !strings.Contains(problems[i], flag) {
			t.Errorf("%q does not name %s", problems[i], flag)
		}
	}
	if err := Default().Check(); err != nil {
		t.Errorf("the default configuration: %v", err)
	}
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":http", "a b:1"} {
		c := Default()
		if c.Addr = addr; c.Check() == nil {
			t.Errorf("--addr %q was accepted", addr)
		}
	}
}
