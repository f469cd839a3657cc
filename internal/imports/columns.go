package imports

import (
	"strings"
	"unicode"

	"syncro/internal/customfields"
	"syncro/internal/leads"
	"syncro/internal/phones"
	"syncro/internal/searchtext"
	"syncro/internal/spreadsheet"
)

// Column is a column of a file.
type Column struct {
	Column    string   `json:"column" doc:"Its letter." example:"B"`
	Header    string   `json:"header" doc:"Its heading; empty when it has none." example:"E-mail"`
	Samples   []string `json:"samples" nullable:"false" doc:"Its first values." example:"[\"joao@acme.com.br\"]"`
	Suggested *string  `json:"suggested" doc:"The field that its heading or its values speak for." example:"email"`
	Field     *string  `json:"field" doc:"The field that it is imported into; null when it is left out." example:"email"`
}

// The fields of a lead that a column can be imported into, besides the custom fields.
// Those with a * take several columns.
const fieldNames = " id name* phone email company birthday value source tags* notes* utm_source utm_medium utm_campaign utm_term utm_content" +
	" assigned_to pipeline stage pipeline_id stage_id "

// fieldKnown tells whether a column can be imported into a field.
func fieldKnown(field string, set *customfields.Set) bool {
	if name, ok := strings.CutPrefix(field, leads.CustomFieldColumn); ok {
		_, known := set.ByName(name)
		return known
	}
	return strings.Contains(fieldNames, " "+field+" ") || takesSeveral(field)
}

func takesSeveral(field string) bool { return strings.Contains(fieldNames, " "+field+"* ") }

// synonyms are what headings are in Portuguese, English and Spanish, without accents,
// blanks and punctuation.
var synonyms = map[string]string{
	"name":         "nome nomecompleto nomedocliente nomedolead nomedocontato cliente contato lead titulo name fullname firstname lastname customer contact client nombre nombrecompleto apellido sobrenome primeironome segundonome ultimonome",
	"phone":        "telefone telefones fone celular cel whatsapp whats wpp zap numero telefonecelular telefone1 tel phone phonenumber mobile mobilephone cellphone cell telefono movil numerodetelefone foneprincipal telefoneprincipal",
	"email":        "email emails mail correio correo correoelectronico enderecodeemail emailaddress emailprincipal email1",
	"company":      "empresa companhia organizacao razaosocial nomefantasia nomedaempresa company companyname organization organisation account compania negocio",
	"birthday":     "nascimento datadenascimento datanascimento aniversario dtnascimento datanasc nasc birthday birthdate dateofbirth dob fechadenacimiento nacimiento cumpleanos",
	"value":        "valor valordonegocio valortotal preco montante orcamento valordaproposta value amount dealvalue price deal monto importe precio total",
	"source":       "origem fonte canal origemdolead procedencia source leadsource origin channel origen fuente",
	"tags":         "tags tag etiqueta etiquetas marcadores marcador label labels rotulo rotulos",
	"notes":        "notas nota observacao observacoes obs anotacoes anotacao comentario comentarios descricao notes note comments comment description remarks observacion observaciones comentarios descripcion", //nolint:misspell // Spanish
	"assigned_to":  "responsavel vendedor dono consultor atendente corretor proprietario owner assignedto assignee salesperson salesrep seller user responsable asesor usuario",                                   //nolint:misspell // Spanish
	"pipeline":     "pipeline funil funildevendas funnel embudo quadro board",
	"stage":        "etapa fase estagio status situacao stage phase dealstage step etapadofunil estado",
	"utm_source":   "utmsource",
	"utm_medium":   "utmmedium",
	"utm_campaign": "utmcampaign campanha campaign campana",
	"utm_term":     "utmterm",
	"utm_content":  "utmcontent",
}

var fieldOfSynonym = func() map[string]string {
	fields := map[string]string{}
	for field, list := range synonyms {
		for word := range strings.FieldsSeq(list) {
			fields[word] = field
		}
	}
	return fields
}()

// plain is a heading without case, accents, blanks and punctuation.
func plain(heading string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, searchtext.Fold(heading))
}

// suggest gives the field that each column speaks for, "" for none: by its heading, or
// by its values. samples are values of each column.
func suggest(headings []string, samples [][]spreadsheet.Cell, set *customfields.Set) []string {
	fields := make([]string, len(headings))
	taken := map[string]bool{}
	take := func(i int, field string) {
		if fields[i] == "" && field != "" && (!taken[field] || takesSeveral(field)) && fieldKnown(field, set) {
			fields[i], taken[field] = field, true
		}
	}
	own := map[string]bool{}
	for _, h := range headings {
		own[h] = true
	}
	exported := own["id"] && own["pipeline_id"] && own["stage_id"] // by our own export
	for i, h := range headings {
		switch {
		case exported && (h == "pipeline" || h == "stage"):
		case exported || strings.HasPrefix(h, leads.CustomFieldColumn):
			take(i, h)
		}
	}
	if exported {
		return fields
	}
	for i, h := range headings {
		if h != "id" && h != "pipeline_id" && h != "stage_id" {
			take(i, h)
		}
		take(i, fieldOfSynonym[plain(h)])
		before, _, _ := strings.Cut(h, "(") // Valor (R$)
		take(i, fieldOfSynonym[plain(before)])
	}
	for i, h := range headings {
		for _, f := range set.Fields() {
			if f.Active && plain(h) != "" && (plain(h) == plain(f.Name) || plain(h) == plain(f.Label)) {
				take(i, leads.CustomFieldColumn+f.Name)
			}
		}
	}
	for i := range headings {
		if most(samples[i], looksLikeEmail) {
			take(i, "email")
		} else if most(samples[i], looksLikePhone) {
			take(i, "phone")
		}
	}
	return fields
}

func most(cells []spreadsheet.Cell, is func(text string) bool) bool {
	n, of := 0, 0
	for _, c := range cells {
		if text := c.Trimmed(); text != "" {
			if of++; is(text) {
				n++
			}
		}
	}
	return n > 0 && 2*n > of
}

func looksLikeEmail(text string) bool {
	at := strings.IndexByte(text, '@')
	return at > 0 && strings.Contains(text[at:], ".") && !strings.ContainsAny(text, " \t")
}

func looksLikePhone(text string) bool {
	return len(phones.Digits(text)) >= 10 && strings.HasPrefix(phones.Normalize(strings.TrimPrefix(text, "'")), "+")
}

// isHeading tells whether a file's first row names the columns: no email and no phone
// stands in it.
func isHeading(row spreadsheet.Row) bool {
	for _, c := range row.Cells {
		if looksLikeEmail(c.Trimmed()) || looksLikePhone(c.Trimmed()) {
			return false
		}
	}
	return true
}
