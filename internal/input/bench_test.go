package input_test

import (
	"testing"

	"syncro/internal/input"
)

// BenchmarkDecodeLead reads the body that the benchmark of POST /leads sends.
func BenchmarkDecodeLead(b *testing.B) {
	body := []byte(`{"name":"Maria Souza 4711","phone":"+5511987654321","email":"novo4711@exemplo.com.br","company":"Comercio Novo Ltda",` +
		`"value":1500.5,"source":"website","tags":["vip","enterprise"],"notes":"cliente pediu proposta para o plano mensal com desconto",` +
		`"utm_source":"google","utm_medium":"cpc","utm_campaign":"campanha-07","pipeline_id":1,"stage_id":5,"assigned_to":12,` +
		`"custom_fields":{"tamanho_empresa":"11-50"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		form := input.Decode[create](body)
		if form.Err() != nil {
			b.Fatal(form.Err())
		}
	}
}
