package customfields_test

import (
	"encoding/json"
	"strings"
	"testing"

	"syncro/internal/customfields"
)

var size = []string{"1-10", "11-50", "100+", "Média"}

// field is one of the given type, called x.
func field(kind customfields.Type) customfields.Field {
	return customfields.Field{ID: 1, Name: "x", Type: kind, Options: size, Active: true}
}

func TestValuesAreConvertedByType(t *testing.T) {
	for _, c := range []struct {
		kind        customfields.Type
		sent, value string
	}{
		{"text", `"  Saúde \u00e9 \"tudo\" "`, `"Saúde é \"tudo\""`},
		{"text", `12.50`, `"12.50"`},
		{"text", `"a\u0001\n\\\/"`, `"a\u0001\n\\/"`},
		{"textarea", `"uma\nduas"`, `"uma\nduas"`},
		{"text", `"` + strings.Repeat("é", 1000) + `"`, `"` + strings.Repeat("é", 1000) + `"`},
		{"number", `25`, `25`},
		{"number", `0.10`, `0.10`},
		{"number", `12345678901234567890.123456789`, `12345678901234567890.123456789`},
		{"number", `-1.5E+3`, `-1.5E+3`},
		{"number", `" 25.0 "`, `25.0`},
		{"number", `"+007"`, `7`},
		{"number", `".5"`, `0.5`},
		{"number", `"5."`, `5`},
		{"currency", `1.005`, `1.01`},
		{"currency", `-1.005`, `-1.01`},
		{"currency", `"5000.00"`, `5000`},
		{"currency", `9999999999.99`, `9999999999.99`},
		{"date", `"2026-06-30"`, `"2026-06-30"`},
		{"date", `"2026-06-30T23:00:00-03:00"`, `"2026-06-30"`},
		{"date", `"2026-06-30T10:00:00.000Z"`, `"2026-06-30"`},
		{"checkbox", `true`, `true`},
		{"checkbox", `"TRUE"`, `true`},
		{"checkbox", `"1"`, `true`},
		{"checkbox", `0`, `false`},
		{"checkbox", `"false"`, `false`},
		{"select", `"100+"`, `"100+"`},
		{"select", `" mÉDIA "`, `"Média"`},
		{"multiselect", `["11-50", "1-10", "11-50", "", null]`, `["11-50","1-10"]`},
		{"multiselect", `"média"`, `["Média"]`},
		{"url", `" https://acme.com.br/a?b=1&c=<d> "`, `"https://acme.com.br/a?b=1&c=<d>"`},
		{"phone", `"(11) 99988-7766"`, `"+5511999887766"`},
		{"phone", `11999887766`, `"+5511999887766"`},
		{"phone", `"ramal 22"`, `"ramal 22"`},
		{"email", `" joao@acme.com.br "`, `"joao@acme.com.br"`},
	} {
		value, cleared, problem := field(c.kind).Convert(json.RawMessage(c.sent))
		if string(value) != c.value || cleared || problem != "" {
			t.Errorf("%s %s: %s, %v, %q; want %s", c.kind, c.sent, value, cleared, problem, c.value)
		}
	}
}

func TestOptionsThatAreNumbersCanBeSentAsNumbers(t *testing.T) {
	one := customfields.Field{Name: "x", Type: customfields.Select, Options: []string{"10", "20"}}
	if value, _, problem := one.Convert(json.RawMessage(`20`)); string(value) != `"20"` {
		t.Errorf("20: %s, %q", value, problem)
	}
}

var kinds = []customfields.Type{
	customfields.Text, customfields.Number, customfields.Currency, customfields.Date, customfields.Select, customfields.Multiselect,
	customfields.Checkbox, customfields.Textarea, customfields.URL, customfields.Phone, customfields.Email,
}

func TestNothingClearsAFieldOfEveryType(t *testing.T) {
	sent := []string{`null`, `""`, `"  "`, ` null `}
	for _, kind := range kinds {
		for _, raw := range sent {
			if value, cleared, problem := field(kind).Convert(json.RawMessage(raw)); !cleared || value != nil || problem != "" {
				t.Errorf("%s %s: %s, %v, %q; want it cleared", kind, raw, value, cleared, problem)
			}
		}
	}
	for _, raw := range []string{`[]`, `[""]`, `[null, " "]`} {
		if _, cleared, problem := field(customfields.Multiselect).Convert(json.RawMessage(raw)); !cleared {
			t.Errorf("multiselect %s: %q, want it cleared", raw, problem)
		}
	}
}

func TestWhatCannotBeConvertedIsAProblemInTheWordingOfTheReference(t *testing.T) {
	for _, c := range []struct {
		kind    customfields.Type
		sent    []string
		problem string
	}{
		{"text", []string{`true`, `{}`, `["a"]`, `[]`, ``, `{`, `"a`, `nil`}, "The custom_fields.x field must be a string."},
		{"text", []string{`"` + strings.Repeat("é", 1001) + `"`}, "The custom_fields.x field must not be greater than 1000 characters."},
		{"textarea", []string{`"` + strings.Repeat("é", 5001) + `"`}, "The custom_fields.x field must not be greater than 5000 characters."},
		{"number", []string{`"1.234,56"`, `"1,5"`, `"dez"`, `true`, `[1]`, `{}`, `1e999`, `"0x10"`, `"1_000"`, `"NaN"`, `"-"`, `"."`, `"1e"`, `--1`, `01`,
			`"` + strings.Repeat("1", 65) + `"`}, "The custom_fields.x field must be a number."},
		{"currency", []string{`"R$ 5"`, `false`}, "The custom_fields.x field must be a number."},
		{"currency", []string{`10000000000`, `1e300`}, "The custom_fields.x field must not be greater than 9999999999.99."},
		{"currency", []string{`-10000000000`}, "The custom_fields.x field must be at least -9999999999.99."},
		{"date", []string{`"2026-02-30"`, `"30/06/2026"`, `20260630`, `true`, `["2026-06-30"]`, `"2026-06-30 and more"`}, "The custom_fields.x field must be a valid date."},
		{"checkbox", []string{`"sim"`, `2`, `[]`, `{}`}, "The custom_fields.x field must be true or false."},
		{"select", []string{`"51-100"`, `["100+"]`, `true`, `{}`, `1`}, "The selected custom_fields.x is invalid."},
		{"multiselect", []string{`"51-100"`, `["100+","51-100"]`, `[["100+"]]`, `[true]`}, "The selected custom_fields.x is invalid."},
		{"multiselect", []string{`true`, `{}`, `[`}, "The custom_fields.x field must be an array."},
		{"url", []string{`"acme.com.br"`, `"ftp://acme.com.br"`, `"javascript:alert(1)"`, `"https://"`, `"https://a b.com"`, `5`}, "The custom_fields.x field must be a valid URL."},
		{"email", []string{`"joao"`, `"joao@"`, `"João <joao@acme.com.br>"`, `"a@b.com, c@d.com"`, `5`}, "The custom_fields.x field must be a valid email address."},
		{"phone", []string{`true`, `{}`}, "The custom_fields.x field must be a string."},
	} {
		for _, raw := range c.sent {
			value, cleared, problem := field(c.kind).Convert(json.RawMessage(raw))
			if problem != c.problem || value != nil || cleared {
				t.Errorf("%s %.80s: %s, %v, %q; want %q", c.kind, raw, value, cleared, problem, c.problem)
			}
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, seed := range []string{`"a"`, `-1.50e3`, `["1-10"]`, `"2026-06-30T10:00:00Z"`, `"(11) 99988-7766"`, `"\ud800"`, `"https://a.b/%zz"`, `"a@b"`, `{"`, `"\u0000\u2028"`} {
		f.Add([]byte(seed), "K")
	}
	f.Fuzz(func(t *testing.T, raw []byte, option string) {
		for _, kind := range kinds {
			one := field(kind)
			if trimmed := strings.TrimSpace(strings.ToValidUTF8(option, "")); trimmed != "" {
				one.Options = append([]string{trimmed}, size...)
			}
			value, cleared, problem := one.Convert(raw)
			if (value != nil) == (cleared || problem != "") || cleared && problem != "" {
				t.Fatalf("%s %q: %s, %v, %q are not one outcome", kind, raw, value, cleared, problem)
			}
			if value == nil {
				continue
			}
			if !json.Valid(value) {
				t.Fatalf("%s %q: %q is no JSON", kind, raw, value)
			}
			if again, _, problem := one.Convert(value); string(again) != string(value) {
				t.Fatalf("%s %q: %s, but then %s, %q", kind, raw, value, again, problem)
			}
		}
	})
}
