package spreadsheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"syncro/internal/spreadsheet"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, content []byte, o spreadsheet.Options) *spreadsheet.File {
	t.Helper()
	f, err := spreadsheet.Open(bytes.NewReader(content), int64(len(content)), o)
	check(t, err)
	t.Cleanup(func() { check(t, f.Close()) })
	return f
}

// read gives the rows of a file as texts, with their numbers.
func read(f *spreadsheet.File) (rows []string, err error) {
	for row, err := range f.Rows() {
		if err != nil {
			return rows, err
		}
		line := fmt.Sprint(row.Number)
		for _, c := range row.Cells {
			line += fmt.Sprintf("|%s%s", []string{"", "#", "day:", ""}[c.Kind], c.Text)
		}
		rows = append(rows, line)
	}
	return rows, nil
}

const people = "Nome;Cidade;Valor\r\nJoão;São Paulo;1.234,56\r\nMaría;Ñuñoa;\"7;5\"\r\n"

func TestEveryEncodingAndDelimiterIsRecognised(t *testing.T) {
	windows, err := charmap.Windows1252.NewEncoder().String(people)
	check(t, err)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(people)
	check(t, err)
	tabs := strings.ReplaceAll(strings.ReplaceAll(people, `"7;5"`, "7;5"), ";", "\t")
	for name, c := range map[string]struct {
		content   string
		encoding  spreadsheet.Encoding
		delimiter byte
	}{
		"UTF-8":                  {people, spreadsheet.UTF8, ';'},
		"UTF-8 with a mark":      {"\ufeff" + people, spreadsheet.UTF8, ';'},
		"Windows-1252":           {windows, spreadsheet.Windows1252, ';'},
		"UTF-16":                 {wide, spreadsheet.UTF16, ';'},
		"tabs":                   {strings.Replace(tabs, "7\t5", "7;5", 1), spreadsheet.UTF8, '\t'},
		"commas":                 {"Nome,Cidade,Valor\nJoão,São Paulo,\"1.234,56\"\nMaría,Ñuñoa,7;5", spreadsheet.UTF8, ','},
		"told by the first line": {"sep=;\r\n" + people, spreadsheet.UTF8, ';'},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, []byte(c.content), spreadsheet.Options{})
			if f.Format != spreadsheet.CSV || f.Encoding != c.encoding || f.Delimiter != c.delimiter {
				t.Errorf("%+v", f)
			}
			rows, err := read(f)
			check(t, err)
			want := []string{"1|Nome|Cidade|Valor", "2|João|São Paulo|1.234,56", "3|María|Ñuñoa|7;5"}
			if strings.HasPrefix(c.content, "sep") {
				want = []string{"2|Nome|Cidade|Valor", "3|João|São Paulo|1.234,56", "4|María|Ñuñoa|7;5"}
			}
			if !slices.Equal(rows, want) {
				t.Errorf("%q", rows)
			}
		})
	}
	t.Run("a file put together of two encodings keeps both readable", func(t *testing.T) {
		rows, err := read(open(t, []byte("a,b\nJoão,é\nção,Jos\xe9\n"), spreadsheet.Options{}))
		if check(t, err); rows[2] != "3|ção|José" {
			t.Errorf("%q", rows)
		}
	})
}

func TestQuotesBlankRowsAndLineEndsAreReadAsExcelReadsThem(t *testing.T) {
	for content, want := range map[string][]string{
		"a,b\n\"x \"\"y\"\"\nz\",2\r3,4":    {"1|a|b", "2|x \"y\"\nz|2", "3|3|4"},
		"a,b\r\n\r\n1,\"\"":                 {"1|a|b", "2|", "3|1|"},
		"a,b\n 5\" tela,\"q\"r\n":           {"1|a|b", "2| 5\" tela|qr"},
		"só uma coluna\nJoão\n":             {"1|só uma coluna", "2|João"},
		"a;b\nRua A, 5, fundos;1,5\nx;2,5;": {"1|a|b", "2|Rua A, 5, fundos|1,5", "3|x|2,5|"},
	} {
		rows, err := read(open(t, []byte(content), spreadsheet.Options{}))
		if check(t, err); !slices.Equal(rows, want) {
			t.Errorf("%q: %q", content, rows)
		}
	}
}

func TestAnUnreadableFileSaysWhereAndWhy(t *testing.T) {
	for content, want := range map[string]string{
		"":                                       "the file is empty",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old":   "save it as .xlsx",
		"%PDF-1.7":                               "neither a CSV nor an XLSX",
		"a,b\x00c":                               "neither a CSV nor an XLSX",
		"PK\x03\x04 not really":                  "damaged",
		"a,b\n1,\"never closed\n2,3\n":           "row 2, column B: the quote that begins this cell is never closed",
		"a,b\n1," + strings.Repeat("x", 200_000): "row 2, column B: the cell is too long",
		"a,b\n1,\"" + strings.Repeat("x\n", 100_000) + "": "the quote that begins it may not be closed",
		"a\n" + strings.Repeat(",", 1001):                 "row 2: there are more than 1000 columns",
	} {
		f, err := spreadsheet.Open(strings.NewReader(content), int64(len(content)), spreadsheet.Options{})
		if err == nil {
			_, err = read(f)
		}
		if _, ok := errors.AsType[*spreadsheet.Error](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", content, err, want)
		}
	}
}

func TestNumbersAreReadAsBrazilWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"1.234,56": "1234.56", "R$ 1.234,56": "1234.56", "R$\u00a01.234.567,8": "1234567.8", "1234,5": "1234.5", "1,234.56": "1234.56", "1.234": "1234", "12.345.678": "12345678",
		"1234.56": "1234.56", "1.5": "1.5", "0.125": "0.125", "1234.567": "1234.567", "1.2340": "1.2340", "-5": "-5", "(1.000,00)": "-1000.00", "5-": "-5", "R$ -5,00": "-5.00",
		"1,234,567": "1234567", "1 234,5": "1234.5", "1'234.50": "1234.50", "15%": "15", "+7": "7", "007": "7", "0": "0", "-0,00": "0.00", ",5": "0.5", "5,": "5", "US$ 10": "10", "1,234": "1.234",
	} {
		if got, ok := spreadsheet.ParseNumber(text, 0); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "abc", "1,2,3", "1.23.4", "12a", "R$", "--5", "1e5", "1.234,56,7", ".", "1 23", "12.34,5", "٣"} {
		if got, ok := spreadsheet.ParseNumber(text, 0); ok {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	for text, want := range map[string]string{"1,234": "1234", "1.234": "1.234", "1,234.5": "1234.5"} {
		if got, ok := spreadsheet.ParseNumber(text, '.'); !ok || got != want {
			t.Errorf("with a decimal point %q: %q, want %q", text, got, want)
		}
	}
}

func TestDaysAreReadInTheirUsualSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"31/12/2026": "2026-12-31", "31/12/26": "2026-12-31", "1/2/2026": "2026-02-01", "2026-12-31": "2026-12-31", "2026-12-31T10:00:00Z": "2026-12-31", "2026-12-31 10:00:00.000-03:00": "2026-12-31",
		"31/12/2026 23:59": "2026-12-31", "31-12-2026": "2026-12-31", "31.12.2026": "2026-12-31", "2026/12/31": "2026-12-31", "46387": "2026-12-31", "46387,5": "2026-12-31", "15/05/85": "1985-05-15", "20261231": "2026-12-31",
	} {
		if got, ok := spreadsheet.ParseDay(text); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "31/02/2026", "12/31/2026", "ontem", "5", "2026", "1/1/1", "99999999"} {
		if text == "2026" {
			continue // Excel's day 2026 is as good as any
		}
		if got, ok := spreadsheet.ParseDay(text); ok {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func TestListsAndFormulasComeBackAsTheyWere(t *testing.T) {
	list := []string{"vip", "a, b", `diz "oi"`, "x;y", "linha\nnova"}
	if got := spreadsheet.SplitList(spreadsheet.JoinList(list)); !slices.Equal(got, list) {
		t.Errorf("%q", got)
	}
	if got := spreadsheet.SplitList("vip; novo | a,,b"); !slices.Equal(got, []string{"vip", "novo", "a", "b"}) {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-5": "'-5", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "\tx": "'\tx", "\rx": "'\rx",
		"+5511999887766": "+5511999887766", "João": "João", "'=1": "''=1", "''-x": "'''-x", "'aspas": "'aspas", "": "", "+55 11 9": "'+55 11 9",
	} {
		if got := spreadsheet.Harmless(text); got != want || spreadsheet.Restored(got) != text {
			t.Errorf("%q: %q, and back %q", text, got, spreadsheet.Restored(got))
		}
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rows := [][]spreadsheet.Cell{
		{{Text: "nome"}, {Text: "valor"}, {Text: "dia"}, {Text: "obs"}},
		{{Text: "João; \"o\" tal, _x000D_"}, {Kind: spreadsheet.Number, Text: "1.234"}, {Kind: spreadsheet.Day, Text: "2026-12-31"}, {Text: "duas\nlinhas"}},
		{{Text: "=HYPERLINK(1)"}, {Kind: spreadsheet.Number, Text: "-0.05"}, {}, {Text: " borda \x01"}},
	}
	for name, begin := range map[string]func(*bytes.Buffer) (spreadsheet.Writer, error){
		"csv":  func(b *bytes.Buffer) (spreadsheet.Writer, error) { return spreadsheet.NewCSV(b, ',') },
		"br":   func(b *bytes.Buffer) (spreadsheet.Writer, error) { return spreadsheet.NewCSV(b, ';') },
		"xlsx": func(b *bytes.Buffer) (spreadsheet.Writer, error) { return spreadsheet.NewXLSX(b, "Leads & mais") },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := begin(&b)
			check(t, err)
			for _, row := range rows {
				check(t, w.Row(row))
				check(t, w.Flush())
			}
			check(t, w.Close())
			n := 0
			for row, err := range open(t, b.Bytes(), spreadsheet.Options{}).Rows() {
				check(t, err)
				for i, cell := range row.Cells {
					want, got := rows[n][i], spreadsheet.Restored(cell.Text)
					switch want.Kind {
					case spreadsheet.Number:
						if got, _ = spreadsheet.ParseNumber(got, 0); cell.Kind == spreadsheet.Number {
							got = cell.Text
						}
						got = strings.TrimSuffix(got, "0")
					case spreadsheet.Day:
						got, _ = spreadsheet.ParseDay(got)
					}
					if got != want.Text {
						t.Errorf("row %d, cell %d: %q, want %q", n, i, got, want.Text)
					}
				}
				n++
			}
			if n != len(rows) {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// book packs the parts of an XLSX.
func book(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range parts {
		part, err := w.Create(name)
		check(t, err)
		_, err = part.Write([]byte(content))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// excel is a workbook as Excel writes it: shared texts, styles, a hidden sheet.
func excel(sheet string) map[string]string {
	return map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="x"><sheets><sheet name="Oculta" sheetId="1" state="hidden" r:id="rId1"/><sheet name="Leads" sheetId="2" r:id="rId2"/>
			<sheet name="Outra" sheetId="3" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy;@"/><numFmt numFmtId="165" formatCode="&quot;R$ dias&quot;\ #,##0.00"/></numFmts>
			<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="22"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml":     `<sst><si><t>Nome</t></si><si><r><t>Jo</t></r><r><rPr><b/></rPr><t xml:space="preserve">ão </t></r><rPh><t>ジ</t></rPh></si><si><t>a_x000D_b</t></si></sst>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet2.xml": `<worksheet><sheetData>` + sheet + `</sheetData></worksheet>`,
	}
}

func TestAnXLSXIsReadByItsTypesAndStyles(t *testing.T) {
	content := book(t, excel(`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Valor</t></is></c></row>
		<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" s="1"><v>46387</v></c><c r="C3" s="2"><v>1.234</v></c><c r="D3" t="b"><v>1</v></c><c r="E3" t="str"><f>A1</f><v>x</v></c>
		<c r="F3" s="3"><v>46387.5</v></c><c r="G3"><v>0.30000000000000004</v></c><c r="H3" t="s"><v>2</v></c><c r="I3"><v>5.511999887766E12</v></c></row>`))
	f := open(t, content, spreadsheet.Options{})
	if f.Format != spreadsheet.XLSX || f.Sheet != "Leads" || !slices.Equal(f.Sheets, []string{"Leads", "Outra"}) {
		t.Errorf("%+v", f)
	}
	rows, err := read(f)
	check(t, err)
	want := []string{"1|Nome||Valor", "2", "3|João |day:2026-12-31|#1.234|true|x|2026-12-31 12:00:00|#0.3|a\rb|#5511999887766"}
	if !slices.Equal(rows, want) {
		t.Errorf("%q", rows)
	}
	if rows, err = read(open(t, content, spreadsheet.Options{Sheet: "outra"})); err != nil || !slices.Equal(rows, []string{"1|#1"}) {
		t.Errorf("%q %v", rows, err)
	}
	if _, err := spreadsheet.Open(bytes.NewReader(content), int64(len(content)), spreadsheet.Options{Sheet: "Nada"}); err == nil || !strings.Contains(err.Error(), "it has: Leads, Outra") {
		t.Error(err)
	}
}

func TestWhatIsNoNumberInAnXLSXIsAText(t *testing.T) {
	rows, err := read(open(t, book(t, excel(`<row r="1"><c r="A1"><v>NaN</v></c><c r="B1"><v>-Inf</v></c><c r="C1" t="str"><v>_x0041__x00e7_x_x12</v></c></row>`)), spreadsheet.Options{}))
	check(t, err)
	if want := []string{"1|NaN|-Inf|Açx_x12"}; !slices.Equal(rows, want) {
		t.Errorf("%q, want %q", rows, want)
	}
}

func TestManySharedTextsLieInAFile(t *testing.T) {
	parts := excel(`<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>99999</v></c></row>`)
	var texts strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&texts, "<si><t>%0100d</t></si>", i)
	}
	parts["xl/sharedStrings.xml"] = "<sst>" + texts.String() + "</sst>"
	rows, err := read(open(t, book(t, parts), spreadsheet.Options{}))
	if check(t, err); !strings.HasSuffix(rows[0], "00000") || !strings.HasSuffix(rows[1], "099999") {
		t.Errorf("%q", rows)
	}
}

func TestADamagedXLSXIsRefused(t *testing.T) {
	whole := excel(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`)
	for name, damage := range map[string]func(map[string]string){
		"no workbook":   func(p map[string]string) { delete(p, "xl/workbook.xml") },
		"no sheet":      func(p map[string]string) { delete(p, "xl/worksheets/sheet2.xml") },
		"texts missing": func(p map[string]string) { delete(p, "xl/sharedStrings.xml") },
		"a sheet cut short": func(p map[string]string) {
			p["xl/worksheets/sheet2.xml"] = `<worksheet><sheetData><row r="1"><c r="A1"`
		},
		"rows out of order":    func(p map[string]string) { p["xl/worksheets/sheet2.xml"] = `<s><row r="5"></row><row r="2"></row></s>` },
		"an absurd row number": func(p map[string]string) { p["xl/worksheets/sheet2.xml"] = `<s><row r="999999999"></row></s>` },
		"an endless value": func(p map[string]string) {
			p["xl/worksheets/sheet2.xml"] = `<s><row r="1"><c><v>` + strings.Repeat("a", 2<<20) + `</v></c></row></s>`
		},
		"a long text that stands in many cells": func(p map[string]string) {
			p["xl/sharedStrings.xml"] = `<sst><si><t>` + strings.Repeat("a", 100<<10) + `</t></si></sst>`
			p["xl/worksheets/sheet2.xml"] = `<s><row r="1">` + strings.Repeat(`<c t="s"><v>0</v></c>`, 20) + `</row></s>`
		},
	} {
		parts := maps.Clone(whole)
		damage(parts)
		content := book(t, parts)
		f, err := spreadsheet.Open(bytes.NewReader(content), int64(len(content)), spreadsheet.Options{})
		if err == nil {
			_, err = read(f)
		}
		if _, ok := errors.AsType[*spreadsheet.Error](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{people, "a,b\n\"x\"\"\",1\r", "sep=;\na;b", "\xff\xfea\x00,\x00", "\"", "a\tb\n\xe9\t"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := spreadsheet.Open(bytes.NewReader(content), int64(len(content)), spreadsheet.Options{Delimiter: ','})
		if err != nil || file.Format != spreadsheet.CSV {
			return
		}
		// What was read, written and read again is the same.
		var b bytes.Buffer
		w, err := spreadsheet.NewCSV(&b, ',')
		check(t, err)
		var first [][]spreadsheet.Cell
		for row, err := range file.Rows() {
			if err != nil {
				return
			}
			if !slices.ContainsFunc(row.Cells, func(c spreadsheet.Cell) bool { return c.Text != "" }) {
				continue
			}
			first = append(first, row.Cells)
			check(t, w.Row(row.Cells))
		}
		if len(first) > 0 && strings.HasPrefix(strings.ToLower(first[0][0].Text), "sep=") {
			return
		}
		check(t, w.Close())
		n := 0
		for row, err := range open(t, b.Bytes(), spreadsheet.Options{Delimiter: ',', Encoding: spreadsheet.UTF8}).Rows() {
			check(t, err)
			for i, c := range row.Cells {
				if spreadsheet.Restored(c.Text) != first[n][i].Text {
					t.Fatalf("row %d: %q, was %q", n, c.Text, first[n][i].Text)
				}
			}
			n++
		}
		if n != len(first) {
			t.Fatalf("%d rows of %d", n, len(first))
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"R$ 1.234,56", "(1.000)", "-5", "1,234.56", "%", "1 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, decimal := range []byte{0, '.', ','} {
			plain, ok := spreadsheet.ParseNumber(text, decimal)
			if !ok {
				continue
			}
			if strings.Trim(plain, "-0123456789.") != "" || plain == "" {
				t.Fatalf("%q: %q", text, plain)
			}
			if again, ok := spreadsheet.ParseNumber(plain, '.'); !ok || again != plain {
				t.Fatalf("%q: %q, read again %q", text, plain, again)
			}
		}
	})
}
