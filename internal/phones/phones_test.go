package phones_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"syncro/internal/phones"
)

func TestAnAccountsRegionDecidesWhoseNumbersComeWithoutACountryCode(t *testing.T) {
	for _, c := range []struct{ region, sent, stored string }{
		{"US", "(212) 555-2368", "+12125552368"},
		{"US", "11999887766", "11999887766"}, // possible in Brazil only
		{"US", "+55 11 99988-7766", "+5511999887766"},
		{"PT", "912 345 678", "+351912345678"},
		{"PT", "+1 212 555 2368", "+12125552368"},
		{"BR", "11 99988-7766", "+5511999887766"},
		{"", "11 99988-7766", "+5511999887766"},
	} {
		got := phones.NormalizeIn(c.sent, c.region)
		if got != c.stored || phones.NormalizeIn(got, c.region) != got {
			t.Errorf("NormalizeIn(%q, %s) = %q, want %q; again %q", c.sent, c.region, got, c.stored, phones.NormalizeIn(got, c.region))
		}
		if strings.HasPrefix(got, "+") && phones.Key(got) != phones.Key(phones.NormalizeIn(got, "DE")) {
			t.Errorf("%q is another number elsewhere", got)
		}
	}
}

func TestAPossibleNumberIsStoredInE164(t *testing.T) {
	for sent, stored := range map[string]string{
		"+5511999887766":                "+5511999887766",
		"+55 (11) 99988-7766":           "+5511999887766",
		"(+55) 11 99988.7766":           "+5511999887766",
		"11999887766":                   "+5511999887766",
		" (11) 99988-7766 ":             "+5511999887766",
		"(011) 99988-7766":              "+5511999887766",
		"0 15 11 99988-7766":            "+5511999887766", // a long-distance carrier's code
		"+55 (0)11 999887766":           "+5511999887766",
		"5511999887766":                 "+5511999887766",
		"551199887766":                  "+551199887766",
		"0055 11 99988-7766":            "+5511999887766",
		"11/3333-4444":                  "+551133334444",
		"55 99988-7766":                 "+5555999887766", // area 55, not a country code
		"5533334444":                    "+555533334444",
		"0800 123 4567":                 "+558001234567",
		"+1 (415) 555-2671":             "+14155552671",
		"00 15 1 4155552671":            "+14155552671",
		"+39 06 698 12345":              "+390669812345",
		"11\u00a099988\u20117766\u202c": "+5511999887766", // as address books copy it
	} {
		if got := phones.Normalize(sent); got != stored {
			t.Errorf("Normalize(%q) = %q, want %q", sent, got, stored)
		}
	}
}

func TestWhatIsNoPossibleNumberIsStoredAsSent(t *testing.T) {
	for sent, stored := range map[string]string{
		"": "", " ": "", "12345": "12345", "190": "190", " ramal 22 ": "ramal 22", "11 99988-7766 r. 22": "11 99988-7766 r. 22",
		"+": "+", "()": "()", "11+999887766": "11+999887766", "+999 12345678": "+999 12345678", "*144#": "*144#",
		"11999887766/1133334444": "11999887766/1133334444", "11999887766\n1133334444": "11999887766\n1133334444",
		"１１９９９８８７７６６": "１１９９９８８７７６６", "0800-FLORES": "0800-FLORES", strings.Repeat("9", 300): strings.Repeat("9", 300),
	} {
		if got := phones.Normalize(sent); got != stored {
			t.Errorf("Normalize(%q) = %q, want %q", sent, got, stored)
		}
	}
}

func TestEverySpellingOfANumberHasOneKey(t *testing.T) {
	for key, spellings := range map[string][]string{
		"5511999887766": {"+5511999887766", "+551199887766", "11999887766", "1199887766", "(011) 9988-7766", "55 11 99988 7766", "tel: +55 11 9988-7766"},
		"551133334444":  {"+551133334444", "1133334444", "(11) 3333-4444"},
		"5511933334444": {"+5511933334444"}, // 9 before a landline's digits is no ninth digit
		"14155552671":   {"+14155552671"},
		"22":            {"ramal 22"},
		"":              {"", "ramal", "+"},
	} {
		for _, text := range spellings {
			if got := phones.Key(text); got != key {
				t.Errorf("Key(%q) = %q, want %q", text, got, key)
			}
		}
	}
}

func TestOnlyBrazilianMobilesHaveATwin(t *testing.T) {
	for number, twin := range map[string]string{
		"+5511999887766": "+551199887766",
		"+551199887766":  "+5511999887766",
		"+559968887766":  "+5599968887766",
		"+5521960000000": "+552160000000",
		"+551133334444":  "", "+5511933334444": "", "+551159999999": "", "+5510999887766": "", "+5501999887766": "",
		"5511999887766": "", "+55119998877665": "", "+14155552671": "", "+55119998877a6": "", "": "",
	} {
		got, ok := phones.OtherNinth(number)
		if got != twin || ok != (twin != "") {
			t.Errorf("OtherNinth(%q) = %q, %v; want %q", number, got, ok, twin)
		}
		if back, _ := phones.OtherNinth(got); ok && back != number {
			t.Errorf("OtherNinth(%q) = %q, want %q again", got, back, number)
		}
	}
}

func TestSearchLooksInTheDigitsOfBothTwins(t *testing.T) {
	for stored, digits := range map[string]string{
		"+5511999887766": "5511999887766 551199887766", "+551199887766": "551199887766 5511999887766",
		"+551133334444": "551133334444", "ramal 22": "22", "": "",
	} {
		if got := phones.SearchDigits(stored); got != digits {
			t.Errorf("SearchDigits(%q) = %q, want %q", stored, got, digits)
		}
	}
}

func TestAQueryOfFourDigitsAndPunctuationMeansAPhone(t *testing.T) {
	for q, want := range map[string]string{
		"99988-7766": "999887766", "+55 (11)": "5511", "9998": "9998", " 11 9 9988 ": "1199988",
		"999": "", "joao 9998": "", "": "", "-- --": "", "a1234": "", "1234%": "",
	} {
		if digits, ok := phones.Query(q); digits != want || ok != (want != "") {
			t.Errorf("Query(%q) = %q, %v; want %q", q, digits, ok, want)
		}
	}
}

// library is what the numbers library alone makes of a text, read until it no
// longer changes.
func library(text string) string {
	number, err := phonenumbers.Parse(text, "BR")
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return text
	}
	if stored := phonenumbers.Format(number, phonenumbers.E164); stored != text {
		return library(stored)
	}
	return text
}

func TestTheShortcutForBrazilianNumbersAgreesWithTheLibrary(t *testing.T) {
	tails := []string{"99988776", "33334444", "00000000", "99999999", "41234567", "12345678"}
	for area := range 100 {
		for _, tail := range tails {
			for _, ninth := range []string{"", "9", "0", "5"} {
				national := string([]byte{byte('0' + area/10), byte('0' + area%10)}) + ninth + tail
				for _, prefix := range []string{"+55", "55", "0", ""} {
					if sent := prefix + national; phones.Normalize(sent) != library(sent) {
						t.Errorf("Normalize(%q) = %q, the library says %q", sent, phones.Normalize(sent), library(sent))
					}
				}
			}
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"+5511999887766", "(011) 99988-7766", "ramal 22", "0055 11 99988-7766", "+5500119998877", "+54 011 15 2345-6789", "11999887766", "5533334444", "090033334444", "\xff", "+0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stored := phones.Normalize(text)
		if again := phones.Normalize(stored); again != stored {
			t.Errorf("Normalize(%q) = %q, but then %q", text, stored, again)
		}
		if key := phones.Key(text); phones.Key(stored) != key || strings.Trim(key, "0123456789") != "" {
			t.Errorf("Key(%q) = %q, but Key(%q) = %q", text, key, stored, phones.Key(stored))
		}
		if utf8.ValidString(text) && !utf8.ValidString(stored) {
			t.Errorf("Normalize(%q) = %q is not UTF-8", text, stored)
		}
		if twin, ok := phones.OtherNinth(stored); ok && phones.Key(twin) != phones.Key(stored) {
			t.Errorf("%q and %q have different keys", stored, twin)
		}
		if plain := strings.Trim(text, "0123456789"); plain == "" && len(text) < 22 && !strings.HasPrefix(text, "0055") {
			for _, sent := range []string{text, "+" + text, "+55" + text} {
				if got := phones.Normalize(sent); got != library(sent) {
					t.Errorf("Normalize(%q) = %q, the library says %q", sent, got, library(sent))
				}
			}
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	for name, text := range map[string]string{"stored": "+5511999887766", "typed": "(11) 99988-7766", "foreign": "+1 415 555 2671"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				phones.Normalize(text)
			}
		})
	}
}
