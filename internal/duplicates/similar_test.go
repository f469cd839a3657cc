package duplicates

import "testing"

func TestNamesAreAlikeWhateverTheirOrderAccentsAndSlips(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		alike bool
	}{
		{"João da Silva", "joao silva", true},
		{"Silva, João", "João Silva", true},
		{"Joao Sliva", "João Silva", true},
		{"Jõao P. Silva", "João Silva", true},
		{"Márcia Prado", "Marcia Prado Lima", true},
		{"Cristina Souza", "Kristina Souza", true},
		{"João Silva", "Maria Silva", false},
		{"João Silva", "João Pereira", false},
		{"João Silva Souza", "João Silva Prado", false},
		{"João Silva", "Joana Silva", false},
		{"João", "João Silva", true},
		{"", "", false},
		{"de", "da", false},
	} {
		if s := similarity(nameKey(c.a), nameKey(c.b)); (s >= alike) != c.alike {
			t.Errorf("%q and %q: %d", c.a, c.b, s)
		}
	}
}

func TestCompaniesAreComparedWithoutTheirLegalForms(t *testing.T) {
	for a, b := range map[string]string{"ACME Ltda.": "Acme", "Padaria São João S/A": "padaria sao joao", "Ltda": ""} {
		if companyKey(a) != companyKey(b) {
			t.Errorf("%q is %q, and %q is %q", a, companyKey(a), b, companyKey(b))
		}
	}
}

func TestTheMoreReasonsTheSurer(t *testing.T) {
	lead := subject{name: nameKey("João Silva"), company: "acme", email: "j@a.br", phone: "551199887766"}
	email, phone, name := subject{email: lead.email}, subject{phone: lead.phone}, subject{name: nameKey("João da Silva"), company: "acme"}
	all, oneWord := lead, subject{name: "joao", company: "acme"}
	sure := func(a, b subject) int64 {
		if f := compare(&a, &b); f != nil {
			return f.confidence
		}
		return 0
	}
	got := []int64{sure(lead, subject{}), sure(oneWord, oneWord), sure(lead, name), sure(lead, phone), sure(lead, email), sure(lead, all)}
	for i, want := range []int64{0, 60, 85, 90, 95, 99} {
		if got[i] != want {
			t.Errorf("%v: the %d. should be %d", got, i, want)
		}
	}
}
