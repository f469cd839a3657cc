package demo

import (
	"time"

	"syncro/internal/phones"
)

func messagingTables(now time.Time) []table {
	at := before(now)
	return []table{
		{"whatsapp_instances", "id account_id provider display_name phone_number is_primary status created_at updated_at", [][]any{
			{1, mine, "waha", "Número principal", "+5511999887700", true, "connected", at, at},
			{2, mine, "cloud_api", "API Oficial", "+5521987654321", false, "connected", at, at},
			{3, mine, "waha", "Número reserva", "+5511999887701", false, "disconnected", at, at},
		}},
		{"whatsapp_templates", "id account_id instance_id name language category status body variables_count header_type components created_at updated_at", [][]any{
			{1, mine, 2, "lembrete_proposta", "pt_BR", "UTILITY", "APPROVED", "Olá {{1}}, sua {{2}} vence em {{3}}.", 3, "none", `[
				{"type": "BODY", "text": "Olá {{1}}, sua {{2}} vence em {{3}}.", "example": {"body_text": [["João", "Proposta", "30/07"]]}}]`, at, at},
			{2, mine, 2, "promo_julho", "pt_BR", "MARKETING", "PENDING", "{{1}}, em julho a implantação é por nossa conta.", 1, "none", `[
				{"type": "BODY", "text": "{{1}}, em julho a implantação é por nossa conta.", "example": {"body_text": [["João"]]}}]`, at, at},
			{3, mine, 2, "foto_produto", "pt_BR", "MARKETING", "APPROVED", "{{1}}, veja a foto do produto que você pediu.", 1, "image", `[
				{"type": "HEADER", "format": "IMAGE"},
				{"type": "BODY", "text": "{{1}}, veja a foto do produto que você pediu.", "example": {"body_text": [["João"]]}}]`, at, at},
		}},
		{"sequences", "id account_id name description channel is_active exit_on_reply exit_on_stage_change created_at updated_at", [][]any{
			{1, mine, "Boas-vindas", "Primeiro contato com quem acaba de chegar.", "whatsapp", true, true, false, at, at},
			{2, mine, "Reengajamento", "Para quem parou de responder.", "whatsapp", false, true, true, at, at},
			{3, mine, "Vazia", nil, "whatsapp", true, true, false, at, at},
		}},
		{"sequence_steps", "id account_id sequence_id position type delay_minutes settings", [][]any{
			{1, mine, 1, 1, "message", 0, `{"type":"text","body":"Olá {{nome}}, que bom ter você por aqui!","fallbacks":{"nome":"tudo bem"}}`},
			{2, mine, 1, 2, "template", 1440, `{"template_id":1,"variables":["{{nome}}","proposta","sete dias"],"fallbacks":{"nome":"tudo bem"}}`},
			{3, mine, 1, 3, "task", 0, `{"subject":"Ligar para {{nome}}","type":"call","priority":"medium","due_in_days":1}`},
			{4, mine, 2, 1, "message", 4320, `{"type":"text","body":"Oi {{nome}}, ainda posso ajudar?","fallbacks":{"nome":"tudo bem"}}`},
		}},
	}
}

// joaoConversation is the conversation of the document's answers.
const joaoConversation = 99

// conversationTables hold who has written to the account: João an hour ago, and
// the lead with the closed window three days ago.
func conversationTables(now time.Time) []table {
	conversations := table{name: "conversations", columns: `id account_id instance_id phone_key phone chat_id contact_name lead_id status
		last_message_at last_inbound_at unread_count created_at updated_at`}
	messages := table{name: "messages", columns: "id account_id conversation_id instance_id lead_id direction type body provider_msg_id status at created_at updated_at"}
	wrote := func(conversation, message, instance, lead int64, phone, chat, name, providerID, body string, at time.Time) {
		at = at.Truncate(time.Second)
		conversations.rows = append(conversations.rows, []any{conversation, mine, instance, phones.Key(phone), phone, chat, name, lead, "open", at, at, 1, at, at})
		messages.rows = append(messages.rows, []any{message, mine, conversation, instance, lead, "in", "text", body, providerID, "received", at, at, at})
	}
	wrote(joaoConversation, 455, 1, joao, "+5511999887766", "5511999887766@c.us", "João", "3EB0C431C26A1916E07A",
		"Oi! Recebi a proposta, obrigado. Posso tirar uma dúvida?", now.Add(-time.Hour))
	wrote(98, 454, 2, closedWindow, "+5521988887777", "5521988887777", "Janela", "wamid.HBgNNTUyMTk4ODg4Nzc3NxUCABIYIDNFQjBDNDMxQzI2QTE5MTZFMDdB",
		"Ainda vou pensar, falo com vocês depois.", now.AddDate(0, 0, -3))
	return []table{conversations, messages}
}
