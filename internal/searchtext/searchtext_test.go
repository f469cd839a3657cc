package searchtext_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"syncro/internal/searchtext"
)

func TestFoldingIgnoresCaseAccentsAndSpellingsOfALetter(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"joão":                   "joao",
		"JOÃO DA CONCEIÇÃO":      "joao da conceicao",
		"Joa\u0303o":             "joao",
		"Łódź, Ørsted, Straße":   "lodz, orsted, strasse",
		"ẞ Đorđe Ðóra Þór":       "ss dorde dora thor",
		"Æsir Œuvre":             "aesir oeuvre",
		"İstanbul ılık":          "istanbul ilik",
		"ﬁm １２３ ＡＢＣ ½":           "fim 123 abc 1⁄2",
		"ΟΔΟΣ οδος οδός":         "οδοσ οδοσ οδοσ",
		"ЁЛКА":                   "елка",
		"a\nb\tc\x00d\x1fe\x7f":  "a b c d e ",
		"a\u0085b\u2028c\u00a0d": "a b c d",
		"100% _a\\b'":            "100% _a\\b'",
		"a\xffb":                 "a\ufffdb",
		"Ǆ ℌ ㏑ 𝐀":                "dz h ln a",
		"한국 日本 👍🏽":               "한국 日本 👍🏽",
	} {
		if got := searchtext.Fold(text); got != want {
			t.Errorf("Fold(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestEveryCharacterFoldsOnceAndForAll(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		check(t, string(r))
	}
}

func TestNoQueryMatchesAcrossJoinedFields(t *testing.T) {
	joined := searchtext.Join("José\x1f Silva", "", "A@B.com")
	if want := "jose  silva\x1f\x1fa@b.com"; joined != want {
		t.Errorf("Join = %q, want %q", joined, want)
	}
	if strings.Contains(joined, searchtext.Fold("SILVA\x1f")) {
		t.Error("a query reaches over the end of a field")
	}
	if got := searchtext.Join(); got != "" {
		t.Errorf("Join of nothing = %q", got)
	}
}

func TestFoldingPlainTextCostsAtMostOneAllocation(t *testing.T) {
	for text, want := range map[string]float64{"joao da silva 11 99988-7766 of acme ltda": 0, "Joao da Silva 11 99988-7766 of ACME ltda": 1} {
		if got := testing.AllocsPerRun(100, func() { searchtext.Fold(text) }); got > want {
			t.Errorf("Fold(%q) allocates %v times, want %v", text, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"João", "ΟΔΟΣ", "\xf0\x9f", "한", "a\u0301\u0301", "ﬃ"} {
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		check(t, a)
		if utf8.ValidString(a) && utf8.ValidString(b) && searchtext.Fold(a+b) != searchtext.Fold(a)+searchtext.Fold(b) {
			t.Errorf("%q and %q fold otherwise together than apart", a, b)
		}
		if got, want := searchtext.Join(a, b), searchtext.Fold(a)+"\x1f"+searchtext.Fold(b); got != want {
			t.Errorf("Join(%q, %q) = %q, want %q", a, b, got, want)
		}
	})
}

func check(t *testing.T, text string) {
	t.Helper()
	folded := searchtext.Fold(text)
	if again := searchtext.Fold(folded); again != folded {
		t.Errorf("Fold(%q) = %q, but then %q", text, folded, again)
	}
	if !utf8.ValidString(folded) {
		t.Errorf("Fold(%q) = %q is not UTF-8", text, folded)
	}
	unwanted := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Mn, r) || r != unicode.ToLower(r) }
	if strings.ContainsFunc(folded, unwanted) {
		t.Errorf("Fold(%q) = %q still holds an upper case letter, a mark or a control character", text, folded)
	}
}

func BenchmarkFold(b *testing.B) {
	for name, text := range map[string]string{"folded": "joao da silva", "plain": "Joao da Silva", "accented": "João da Conceição"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				searchtext.Fold(text)
			}
		})
	}
}
