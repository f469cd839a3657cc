package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/searchtext"
)

// How far the generated leads reach back. The second half of the time belongs to
// those after lead 128; both halves ascend with the ids.
const (
	oldest  = 120 * 24 * time.Hour
	halfway = oldest / 2
)

// generate makes a lead that is like many others. What it is like depends on its
// id alone, so that one can be changed here without changing all.
func (f *fixture) generate(id int64) {
	r := rand.New(rand.NewPCG(2026, uint64(id))) //nolint:gosec // data for a demo, the same each time
	created := f.created(r, id)
	l := f.person(r, id)
	l.CreatedAt = created
	age := f.now.Sub(created)
	path := pathOf(r, age)
	if last := path[len(path)-1]; last == 10 && l.ValueCents == nil {
		l.ValueCents = new(int64(150_000)) // a sale has a value
	}
	s := f.begin(mine, ana, l, path[0])
	if l.AssignedTo != nil {
		s.by = *l.AssignedTo
	}
	// All of the path was gone within some weeks at most.
	span := min(age, time.Duration(5+r.IntN(40))*24*time.Hour)
	for i, stage := range path[1:] {
		s.move(stage, created.Add(span*time.Duration(i+1)/time.Duration(len(path)+1)).Truncate(time.Second))
	}
	if stageOf(l.StageID).Kind == pipelines.Open && r.IntN(5) == 0 {
		what := todo[r.IntN(len(todo))]
		t := s.task(what[0], what[1], l.UpdatedAt, 0)
		if t.due = f.day(r.IntN(12) - 4); t.due < calendar.DateOf(t.created, f.zone) { // some are overdue
			t.due = f.day(1)
		}
		if r.IntN(2) == 0 {
			t.dueTime = fmt.Sprintf("%02d:30", 8+r.IntN(10))
		}
	}
	if r.IntN(8) == 0 {
		s.note(remarks[r.IntN(len(remarks))], s.by, l.UpdatedAt)
	}
	if r.IntN(2) == 0 {
		l.Score, l.ScoreUpdatedAt = int64(5*(1+r.IntN(16))), new(l.UpdatedAt)
	}
}

// day is the day some days after today in the account's time zone.
func (f *fixture) day(days int) calendar.Date { return calendar.DateOf(f.now, f.zone).AddDays(days) }

func (f *fixture) created(r *rand.Rand, id int64) time.Time {
	from, place, places := f.now.Add(-oldest), id-1, int64(joao-1)
	if id > lastNamed {
		from, place, places = f.now.Add(-halfway), id-lastNamed-1, newest-lastNamed
	}
	slot := halfway / time.Duration(places)
	return from.Add(slot*time.Duration(place) + time.Duration(r.Int64N(int64(slot*9/10)))).Truncate(time.Second)
}

// pathOf is the stages that a lead of some age has gone through.
func pathOf(r *rand.Rand, age time.Duration) []int64 {
	if age < 5*24*time.Hour {
		return []int64{4, 5}[:1+r.IntN(2)]
	}
	switch n := r.IntN(100); {
	case n < 24:
		return []int64{4}
	case n < 44:
		return []int64{4, 5}
	case n < 60:
		return []int64{4, 5, 7}
	case n < 65:
		return []int64{4, 5, 7, 8}
	case n < 75:
		return []int64{4, 5, 7, 8, 10}
	case n < 83:
		return []int64{4, 5, 7, 10}
	case n < 91:
		return []int64{4, 5, 11}
	default:
		return []int64{4, 5, 7, 11}
	}
}

// person is a lead with what is known of a person.
func (f *fixture) person(r *rand.Rand, id int64) *leads.Lead {
	// The lengths of the lists have no common divisor: no name comes twice.
	name := firstNames[id*5%int64(len(firstNames))] + " " + lastNames[id*7%int64(len(lastNames))]
	l := &leads.Lead{ID: id, Name: name, Phone: phone(r, id), Source: sources[r.IntN(len(sources))], Tags: tagSets[r.IntN(len(tagSets))], CustomValues: f.values(r)}
	if r.IntN(3) > 0 {
		l.Company = companies[r.IntN(len(companies))]
	}
	switch {
	case l.Company != "" && r.IntN(4) > 0:
		l.Email = slug(name, ".") + "@" + slug(l.Company, "") + ".example"
	case l.Phone == "" || r.IntN(3) > 0:
		l.Email = slug(name, ".") + "@correio.example"
	}
	if r.IntN(7) > 0 {
		l.ValueCents = new(int64(5+r.IntN(200)) * 10_000)
		if r.IntN(4) == 0 {
			*l.ValueCents -= 10 // 1999.90
		}
	}
	if r.IntN(3) == 0 {
		l.Birthday = fmt.Sprintf("%d-%02d-%02d", 1960+r.IntN(45), 1+r.IntN(12), 1+r.IntN(28))
	}
	if owner := r.IntN(5); owner < 4 {
		l.AssignedTo = new(int64(ana + owner%2))
	}
	switch l.Source {
	case "google_ads":
		l.UTM = [5]string{"google", "cpc", "verao_2026", "crm para pequenas empresas"}
	case "instagram":
		l.UTM = [5]string{"instagram", "social", "lancamento", "", "reels"}
	}
	return l
}

// phone is a mobile mostly, or a landline, or none. No two are the same.
func phone(r *rand.Rand, id int64) string {
	area, tail := areas[r.IntN(len(areas))], fmt.Sprintf("%03d%04d", r.IntN(1000), id*37%10_000)
	switch n := r.IntN(20); {
	case n < 2:
		return ""
	case n < 4:
		return fmt.Sprintf("+55%d%d%s", area, 2+r.IntN(4), tail)
	case n < 5:
		return fmt.Sprintf("+55%d%d%s", area, 6+r.IntN(4), tail) // written down before the ninth digit came
	default:
		return fmt.Sprintf("+55%d9%d%s", area, 6+r.IntN(4), tail)
	}
}

// values are custom values, in the order of the fields' ids.
func (f *fixture) values(r *rand.Rand) string {
	var members []string
	add := func(odds int, id int, format string, value any) {
		if r.IntN(odds) == 0 {
			members = append(members, fmt.Sprintf(`"%d":`+format, id, value))
		}
	}
	add(2, 1, "%q", []string{"1-10", "11-50", "51-200", "200+"}[r.IntN(4)])
	add(3, 2, "%q", []string{"Varejo", "Saúde", "Educação", "Construção", "Serviços"}[r.IntN(5)])
	add(4, 3, "%d", 1+r.IntN(180))
	add(5, 4, "%d", 10_000*(1+r.IntN(90)))
	add(6, 5, "%q", f.day(r.IntN(30)))
	add(5, 6, "%s", []string{`["crm"]`, `["whatsapp"]`, `["crm","whatsapp"]`, `["whatsapp","automacao"]`}[r.IntN(4)])
	add(4, 7, "%t", r.IntN(4) > 0)
	add(9, 8, "%q", "valor antigo")
	return "{" + strings.Join(members, ",") + "}"
}

// slug is a text as it stands in an address: letters and digits, and separator
// for what is between the words.
func slug(text, separator string) string {
	words := strings.FieldsFunc(searchtext.Fold(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, separator)
}

var (
	firstNames = []string{
		"Ana", "André", "Bárbara", "Caio", "César", "Clara", "Débora", "Diego", "Eduardo", "Érica", "Fábio", "Fernanda", "Gabriel", "Gisele", "Heloísa",
		"Henrique", "Igor", "Inês", "Jorge", "Júlia", "Larissa", "Letícia", "Luís", "Márcio", "Marina", "Murilo", "Nádia", "Natália", "Otávio", "Patrícia",
		"Paulo", "Rafael", "Renata", "Sérgio", "Sofia", "Thiago", "Vitória",
	}
	lastNames = []string{
		"Almeida", "Araújo", "Barbosa", "Barros", "Batista", "Brandão", "Campos", "Cardoso", "Carvalho", "Castro", "Conceição", "Correia", "Costa", "Cunha",
		"Dias", "Duarte", "Farias", "Fernandes", "Ferreira", "Freitas", "Gonçalves", "Guimarães", "Lima", "Lopes", "Magalhães", "Martins", "Melo", "Mendonça",
		"Monteiro", "Moreira", "Nascimento", "Nogueira", "Oliveira", "Pinheiro", "Ribeiro", "Rocha", "Santos", "Simões", "Teixeira", "Vasconcelos", "Vieira",
	}
	companies = []string{
		"Academia Força & Ação", "Agropecuária Sertão", "Auto Peças Ipê", "Cafeteria Grão Nobre", "Clínica Bem-Estar", "Construtora Horizonte",
		"Contábil Três Irmãos", "Escola Girassol", "Estúdio Maçã", "Farmácia São Lucas", "Gráfica União", "Hotel Pôr do Sol", "Imobiliária Praça Central",
		"Mercado Boa Compra", "Ótica Visão", "Transportes Água Verde",
	}
	sources = []string{"site", "site", "whatsapp", "instagram", "indicacao", "google_ads", "evento"}
	tagSets = []string{"[]", "[]", `["vip"]`, `["enterprise"]`, `["vip","enterprise"]`, `["novo"]`, `["retorno"]`, `["novo","parceiro"]`}
	areas   = []int{11, 11, 11, 19, 21, 27, 31, 41, 48, 51, 61, 62, 71, 81, 85, 92}
	todo    = [][2]string{
		{"call", "Ligar para apresentar a proposta"}, {"email", "Enviar material por e-mail"}, {"whatsapp", "Perguntar se restou alguma dúvida"},
		{"meeting", "Reunião de alinhamento"}, {"visit", "Visitar o cliente"}, {"task", "Preparar o orçamento"},
	}
	remarks = []string{
		"Pediu retorno na semana que vem.", "Está comparando com outro fornecedor.", "Gostou do preço, falta a aprovação da diretoria.",
		"Quer começar com poucos usuários e crescer depois.", "Só atende depois das 14h.",
	}
)
