package e2e

import (
	"net/url"
	"slices"
	"testing"
)

func TestSearch(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		// found tells by names which of the leads made here a term finds.
		found := func(t *testing.T, source, q string) any {
			t.Helper()
			return each(c.want(t, 200, "GET", "/leads?sort=name&source="+source+"&q="+url.QueryEscape(q), nil).at("data"), "name")
		}
		for _, lead := range []fields{
			{"name": "Ângela Conceição", "email": "Angela.C@Exemplo.com.br", "phone": "+5511976540001"},
			{"name": "Bruno 100% Certo", "email": "bruno_certo@exemplo.com.br", "phone": "+552133334444"},
			{"name": "Çelik Ærø Straße", "email": "x@y.com.br"},
			{"name": "Dora \"a\" *\\ OR --", "phone": "ramal 4321"},
			{"name": "Zé"},
		} {
			lead["source"] = "busca"
			c.create(t, lead)
		}
		t.Run("finds a substring of name, email or phone, ignoring case and accents", func(t *testing.T) {
			for q, want := range map[string]string{
				"angela": `["Ângela Conceição"]`, "ÂNGELA": `["Ângela Conceição"]`, "conceicao": `["Ângela Conceição"]`, "ela con": `["Ângela Conceição"]`, "celik": `["Çelik Ærø Straße"]`,
				"STRASSE": `["Çelik Ærø Straße"]`, "angela.c@exe": `["Ângela Conceição"]`, "EXEMPLO.COM": `["Ângela Conceição","Bruno 100% Certo"]`, "y.com": `["Çelik Ærø Straße"]`, "9765400": `["Ângela Conceição"]`,
				"+5511976": `["Ângela Conceição"]`, "ramal": `["Dora \"a\" *\\ OR --"]`, "nada disso": `[]`, "Angela Bruno": `[]`,
			} {
				same(t, q, found(t, "busca", q), want)
			}
		})
		t.Run("takes every character literally", func(t *testing.T) {
			for q, want := range map[string]string{
				"100%": `["Bruno 100% Certo"]`, "%": `["Bruno 100% Certo"]`, "_": `["Bruno 100% Certo"]`, "o_c": `["Bruno 100% Certo"]`, `"a"`: `["Dora \"a\" *\\ OR --"]`, "*": `["Dora \"a\" *\\ OR --"]`,
				`\`: `["Dora \"a\" *\\ OR --"]`, "OR --": `["Dora \"a\" *\\ OR --"]`, "ang*": `[]`, "a.gela": `[]`, "' OR 1=1": `[]`, "%_%": `[]`,
			} {
				same(t, q, found(t, "busca", q), want)
			}
		})
		t.Run("finds terms of one and two characters", func(t *testing.T) {
			same(t, "z", found(t, "busca", "z"), `["Zé"]`)
			same(t, "ZE", found(t, "busca", "ZE"), `["Zé"]`)
			same(t, "é", found(t, "busca", "zé"), `["Zé"]`)
		})
		t.Run("finds phones whatever their punctuation", func(t *testing.T) {
			for _, q := range []string{"99988-7766", "+5511999887766", "(11) 99988-7766", "11 99988 7766", "99988.7766", "55 (11) 9 9988-7766"} {
				if ids := c.ids(t, "q="+url.QueryEscape(q)); !slices.Equal(ids, []int64{123}) {
					t.Errorf("%s finds %v", q, ids)
				}
			}
			same(t, "a landline", found(t, "busca", "(21) 3333-4444"), `["Bruno 100% Certo"]`)
			same(t, "an extension", found(t, "busca", "4321"), `["Dora \"a\" *\\ OR --"]`)
		})
		t.Run("finds phones with and without their ninth digit", func(t *testing.T) {
			for _, q := range []string{"1199887766", "551199887766", "(11) 9988-7766", "9988-7766"} {
				if ids := c.ids(t, "q="+url.QueryEscape(q)); !slices.Contains(ids, int64(123)) {
					t.Errorf("%s finds %v", q, ids)
				}
			}
			c.create(t, fields{"name": "antigo", "phone": "+551188776655", "source": "nove"})
			c.create(t, fields{"name": "fixo", "phone": "+551133445566", "source": "nove"})
			same(t, "with the digit that the lead has not", found(t, "nove", "11 98877-6655"), `["antigo"]`)
			same(t, "a landline has no ninth digit", found(t, "nove", "11 93344-5566"), `[]`)
		})
		t.Run("of fewer than four digits looks only at what is written", func(t *testing.T) {
			c.create(t, fields{"name": "curto", "phone": "1-2-3", "source": "curto"})
			same(t, "three digits", found(t, "curto", "123"), `[]`)
			same(t, "as written", found(t, "curto", "2-3"), `["curto"]`)
		})
		t.Run("is right at once after a creation, a change and a deletion", func(t *testing.T) {
			path := c.path(t, fields{"name": "Primeiro Nome Xyzzy", "source": "agora"})
			same(t, "created", found(t, "agora", "xyzzy"), `["Primeiro Nome Xyzzy"]`)
			c.want(t, 200, "PATCH", path, fields{"name": "Segundo Plugh", "email": "frotz@x.com.br"})
			same(t, "the old name", found(t, "agora", "xyzzy"), `[]`)
			same(t, "the new name", found(t, "agora", "plugh"), `["Segundo Plugh"]`)
			same(t, "the new email", found(t, "agora", "FROTZ@"), `["Segundo Plugh"]`)
			c.want(t, 200, "DELETE", path, nil)
			same(t, "deleted", found(t, "agora", "plugh"), `[]`)
		})
		t.Run("works together with filters, sorting and pages", func(t *testing.T) {
			got := c.want(t, 200, "GET", "/leads?q=silva&stage_id=5&sort=name&per_page=1", nil)
			holds(t, "the answer", got.body, parsed(t, `{"data":[{"id":123}],"meta":{"total":1,"per_page":1}}`))
		})
		t.Run("sees nothing of another account", func(t *testing.T) {
			if ids := c.as(foreign).ids(t, "q=silva"); !slices.Equal(ids, []int64{900}) {
				t.Errorf("the other account finds %v", ids)
			}
			if ids := c.as(foreign).ids(t, "q=99988-7766"); !slices.Equal(ids, []int64{900}) {
				t.Errorf("the other account finds %v", ids)
			}
		})
	})
}
