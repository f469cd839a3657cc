package imports_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/imports"
	"syncro/internal/jobs"
	"syncro/internal/phones"
	"syncro/internal/searchtext"
)

// many is how many rows the benchmark imports; SYNCRO_BENCH_ROWS says otherwise.
func many(b *testing.B) int {
	if text := os.Getenv("SYNCRO_BENCH_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		check(b, err)
		return n
	}
	return 100_000
}

// person is row i of the benchmark's file.
func person(i int) (name, phone, email, company string, cents int64) {
	return fmt.Sprintf("Pessoa %d da Silva", i), fmt.Sprintf("+55119%08d", 60_000_000+i), fmt.Sprintf("pessoa%d@exemplo.com.br", i), fmt.Sprintf("Empresa %d Ltda", i%5000), int64(i%10_000) * 100
}

// BenchmarkImport compares an import with plain INSERTs of the same leads, as many to
// a transaction: `go test ./internal/imports -run '^$' -bench Import -benchtime 1x`.
// It also gives the time of the upload and of a dry run, and the peak of memory.
func BenchmarkImport(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			n := many(b)
			clock := dbtest.NewClock()
			for b.Loop() {
				w := newWorld(b, dbtest.Open(b, dbtest.URL(b, engine), clock), clock)
				cpu := used(b)
				raw := insertPlainly(b, w, n)
				rawCPU := used(b) - cpu
				w = newWorld(b, dbtest.Open(b, dbtest.URL(b, engine), clock), clock)
				var file strings.Builder
				file.WriteString("nome;telefone;email;empresa;valor\n")
				for i := range n {
					name, phone, email, company, cents := person(i)
					fmt.Fprintf(&file, "%s;%s;%s;%s;\"%d,00\"\n", name, phone, email, company, cents/100)
				}
				base := memory(b, "VmRSS")
				b.ReportMetric(base, "MB-before")
				check(b, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600))
				actor := authz.Actor{AccountID: w.mine.id, UserID: 1, Location: time.UTC}
				timed := func(metric string, do func()) time.Duration {
					begun := time.Now()
					do()
					took := time.Since(begun)
					b.ReportMetric(took.Seconds(), metric)
					return took
				}
				var v imports.View
				timed("s-upload", func() {
					content := file.String()
					var err error
					v, err = w.imports.Upload(b.Context(), actor, imports.File{Name: "x.csv", Content: strings.NewReader(content), Size: int64(len(content))})
					check(b, err)
				})
				run := func(begin func() error) {
					check(b, begin())
					check(b, jobs.RunDue(b.Context(), w.operations.Kinds()...))
				}
				timed("s-dry-run", func() { run(func() error { _, err := w.imports.DryRun(b.Context(), actor, v.ID); return err }) })
				cpu = used(b)
				took := timed("s-import", func() { run(func() error { _, err := w.imports.Start(b.Context(), actor, v.ID); return err }) })
				importCPU := used(b) - cpu
				b.ReportMetric(importCPU.Seconds(), "s-cpu-import")
				b.ReportMetric(rawCPU.Seconds(), "s-cpu-plain")
				b.ReportMetric(raw.Seconds(), "s-plain")
				b.ReportMetric(100*raw.Seconds()/took.Seconds(), "%-of-plain")
				b.ReportMetric(memory(b, "VmHWM"), "MB-peak")
				if v, err := w.imports.Get(b.Context(), actor, v.ID); err != nil || v.State != imports.Done || v.Created != int64(n) {
					b.Fatalf("%v %+v", err, v)
				}
			}
		})
	}
}

// used is how much time of the processors this process has used: on a machine that
// others use too it says more than the clock. PostgreSQL's own is not in it.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory is a figure of this process, in megabytes.
func memory(b *testing.B, figure string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	check(b, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, figure+":"); ok {
			var kb float64
			_, err := fmt.Sscan(rest, &kb)
			check(b, err)
			return kb / 1024
		}
	}
	return 0
}

// insertPlainly stores the leads by INSERTs that nothing is waited for.
func insertPlainly(b *testing.B, w *world, n int) time.Duration {
	stage, pipeline := w.mine.stage("Novo")
	begun := time.Now()
	for from := 0; from < n; from += 250 {
		check(b, w.db.Write(b.Context(), func(tx *db.Tx) error {
			for i := from; i < min(from+250, n); i++ {
				name, phone, email, company, cents := person(i)
				if err := tx.Queue(`INSERT INTO leads (account_id, name, name_key, phone, phone_key, email, email_key, company, value_cents, pipeline_id, stage_id, stage_since,
						search_text, search_phone, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, $11, $11)`,
					w.mine.id, name, searchtext.Fold(name), phone, phones.Key(phone), email, company, cents, pipeline, stage, tx.Now(),
					searchtext.Join(name, email, phone), phones.SearchDigits(phone)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return time.Since(begun)
}
