package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// excused are the statements that bind no account in their own text, each with
// its reason.
var excused = []struct{ file, text, reason string }{
	{"api/retries.go", "DELETE FROM idempotency_keys WHERE created_at < ", "forgets by age, whosever it was"},
	{"api/retries.go", "UPDATE idempotency_keys SET leased_to = $1 WHERE state", "ends the leases of a process that was killed"},
	{"accounts/store_key.go", "WHERE k.hash = $1", "finds out which account a key is of"},
	{"demo/fill.go", "WHERE a.is_demo AND k.hash = $1", "asks whether the database is a demo's, and whole"},
	{"scoring/decay.go", "SELECT account_id FROM score_decay", "looks for the accounts whose scores decay"},
	{"messaging/inbox.go", "FROM whatsapp_instances WHERE id = $1 AND provider", "finds out which account a webhook's number is of"},
	{"messaging/inbox.go", "FROM inbound_hooks WHERE state = 'pending' AND due_at", "looks for what is due in any account"},
	{"messaging/inbox.go", "DELETE FROM inbound_hooks WHERE state", "forgets by age, whosever it was"},
	{"messaging/receipt.go", "FROM read_receipts WHERE due_at <=", "looks for what is due in any account"},
	{"messaging/medium.go", "FROM media_fetches WHERE state = 'pending' AND due_at", "looks for what is due in any account"},
	{"duplicates/store.go", "FROM duplicate_checks ORDER BY id LIMIT $1", "looks for what is due in any account, and gives the account with it"},
	{"duplicates/job.go", "LEFT JOIN duplicate_scans s", "looks for the accounts that have not been looked at"},
	{"messaging/relation.go", "SELECT account_id, file FROM media_removals", "looks for files of any account"},
	{"webhooks/store_delivery.go", "AS waiting UNION ALL", "looks for what is due in any account"},
	{"webhooks/store_delivery.go", "DELETE FROM webhook_deliveries WHERE id IN", "forgets by age, whosever it was"},
	{"webhooks/store_delivery.go", "SET leased_until = $1 WHERE state", "ends the leases of a process that was killed"},
	{"messaging/progress.go", "FROM messages WHERE status = 'sending' AND updated_at < ", "sweeps what was abandoned in any account, and gives the account with it"},
	{"operations/store.go", "FROM operations o JOIN accounts a", "looks for what is due in any account"},
	{"sequences/late.go", "FROM sequence_runs WHERE fallback_at <= ", "looks for what is due in any account"},
	{"imports/service.go", "DELETE FROM imports WHERE id IN", "forgets by age, whosever it was"},
	{"sequences/engine.go", "WITH RECURSIVE account (id)", "looks for the accounts of which something is due"},
	{"sequences/engine.go", "SET due_at = $1 WHERE running", "ends the leases of a process that was killed"},
	{"leads/search.go", "FROM search_queue q LEFT JOIN leads l", "indexes for search what waits in any account"},
	{"leads/statements.go", " FROM leads WHERE …", "the condition is a selection, which begins with the account"},
	{"leads/statements.go", " FROM lead_counters WHERE …", "the condition is the counters' part of a selection, which begins with the account"},
}

func TestEveryStatementOverAnAccountsTableNamesTheAccount(t *testing.T) {
	tables := accountTables(t)
	if len(tables) < 20 || !slices.Contains(tables, "leads") {
		t.Fatalf("the migrations have only the tables %v", tables)
	}
	named := regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:` + strings.Join(tables, "|") + `)\b`)
	// The account is compared with a parameter, or is among the columns of an INSERT.
	bound := regexp.MustCompile(`\baccount_id\s*=\s*(\$|…|%s|ANY\()|\bINTO\s+\w+\s*\([^)]*\baccount_id\b`)
	// A part of a statement, which is looked at again as part of the whole.
	whole, joined := regexp.MustCompile(`^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b`), regexp.MustCompile(`\baccount_id\s*=\s*\w+\.account_id`)
	found, used := 0, map[int]bool{}
	for text, place := range sourceTexts(t) {
		if !named.MatchString(text) {
			continue
		}
		found++
		if bound.MatchString(text) || (!whole.MatchString(text) && joined.MatchString(text)) {
			continue
		}
		plain := strings.Join(strings.Fields(text), " ")
		i := slices.IndexFunc(excused, func(e struct{ file, text, reason string }) bool {
			return strings.Contains(filepath.ToSlash(place), "/"+e.file+":") && strings.Contains(plain, e.text)
		})
		if used[i] = true; i < 0 {
			t.Errorf("%s: no account is bound in %.300q", place, plain)
		}
	}
	if found < 40 {
		t.Errorf("only %d statements were found", found)
	}
	for i, e := range excused {
		if !used[i] {
			t.Errorf("%s, %q: excused, and no longer there", e.file, e.text)
		}
	}
}

// accountTables are the tables that have an account_id, as the migrations say.
func accountTables(t *testing.T) (tables []string) {
	t.Helper()
	files, err := filepath.Glob("../db/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	create := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range create.FindAllStringSubmatch(string(text), -1) {
			if regexp.MustCompile(`(?m)^\s+account_id\s`).MatchString(m[2]) {
				tables = append(tables, m[1])
			}
		}
	}
	return tables
}

// sourceTexts are the texts in the program's source, each with its place. A text
// that is put together with + is one text, with constants filled in and … for
// what is only known when it runs.
func sourceTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("..", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || entry.Name() == "testdata" {
			return err
		}
		set := token.NewFileSet()
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		var parsed []*ast.File
		constants := map[string]ast.Expr{}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(dir, "test") {
				continue
			}
			f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			parsed = append(parsed, f)
			collectConstants(f, constants)
		}
		for _, f := range parsed {
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, whole := textOf(e, constants)
				if text != "" {
					texts[text] = set.Position(e.Pos()).String()
				}
				return !whole
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// collectConstants notes what the constants and variables of a package begin as.
func collectConstants(f *ast.File, into map[string]ast.Expr) {
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
			for i, name := range spec.Names {
				into[name.Name] = spec.Values[i]
			}
		}
		return true
	})
}

// textOf is an expression's text; whole tells that its parts need no look of
// their own.
func textOf(e ast.Expr, constants map[string]ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ = strconv.Unquote(e.Value) // the parser has seen it
			return text, true
		}
	case *ast.ParenExpr:
		return textOf(e.X, constants)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, right := operand(e.X, constants), operand(e.Y, constants)
		if left == "" && right == "" {
			return "", false
		}
		return left + right, true
	}
	return "", false
}

func operand(e ast.Expr, constants map[string]ast.Expr) string {
	if name, ok := e.(*ast.Ident); ok {
		value, known := constants[name.Name]
		if !known || value == e {
			return "…"
		}
		e = value
	}
	if text, _ := textOf(e, constants); text != "" {
		return text
	}
	return "…"
}
