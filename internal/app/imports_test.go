package app

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// ladder are the features, from the bottom: each may import those before it. The
// rest of internal is machinery and imports no feature, but for app, which wires
// them, and demo, which fills a database with what they make.
var ladder = []string{
	"accounts", "teams", "pipelines", "customfields", "timeline", "tasks", "leads", "setup", "products", "contacts", "scoring", "operations", "duplicates",
	"messaging", "bulk", "sequences", "webhooks", "imports", "reports",
}

func TestImportsGoDownTheLadder(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "syncro/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		importer, ok := part(words[0])
		if !ok || importer == "app" || importer == "demo" {
			continue
		}
		checked++
		for _, imported := range words[1:] {
			used, ok := part(imported)
			if !ok || used == importer {
				continue
			}
			rung, usedRung := slices.Index(ladder, importer), slices.Index(ladder, used)
			switch {
			case used == "app" || used == "demo":
				t.Errorf("%s imports %s: only cmd may", words[0], imported)
			case usedRung >= 0 && rung < 0:
				t.Errorf("%s is machinery and imports the feature %s", words[0], imported)
			case usedRung > rung:
				t.Errorf("%s imports %s, which stands above it on the ladder", words[0], imported)
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d packages were looked at", checked)
	}
}

// part is the folder of internal that a package belongs to.
func part(importPath string) (string, bool) {
	below, ok := strings.CutPrefix(importPath, "syncro/internal/")
	first, _, _ := strings.Cut(below, "/")
	return path.Clean(first), ok
}
