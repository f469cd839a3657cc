// Package setup changes an account's pipelines, stages, requirements, lost reasons
// and custom fields: record by record through the API ([Editor]), or all at once to
// what a JSON file says, `syncro pipeline apply FILE` ([Service]).
//
// All changes of one account wait for each other, and each raises the account's
// setup version in its transaction, so that what is cached of the setup is loaded
// anew. Nothing that leads stand in or have a value in goes without being told
// where they go: removing a stage needs a target for its leads, a lost reason one
// for its lost sales, a field the word that its values may be lost.
//
// # Files
//
//	{
//	  "pipelines": [{
//	    "name": "Vendas",
//	    "stages": [
//	      {"name": "Novo", "color": "#45B7D1", "probability": 10, "rotting_days": 7},
//	      {"name": "Documentação", "requirements": [
//	        {"subject": "Conferir documentos de {{lead_name}}", "type": "task", "priority": "high", "due_in_days": 2}]},
//	      {"name": "Ganho", "is_won": true},
//	      {"name": "Perdido", "kind": "lost"}
//	    ]
//	  }],
//	  "lost_reasons": ["Preço alto", {"name": "Sem resposta"}],
//	  "custom_fields": [
//	    {"name": "porte", "label": "Porte", "type": "select", "options": ["1-10", "11-50"],
//	     "is_required": false, "is_active": true, "show_on_card": true}
//	  ]
//	}
//
// Records are matched by their names, without regard to case; a requirement's name
// is its subject. What the file has and the account has not is added. What both
// have is changed where the file says something else: a member that is left out
// leaves what is there, and the file's spelling of a name counts, except for
// custom fields and their options, whose spelling is in the clients' hands and in
// the leads. The file's order becomes the board's order. Applying a file twice
// changes nothing the second time.
//
// Nothing is ever deleted: records and options that are not in the file stay where
// they are, behind the record they stood behind, and are listed in
// [Changes.Kept].
//
// Two things are refused, because leads would be left in a state that no move
// could have led to: another kind for a stage that holds leads, and another type
// for a custom field that leads have values in. Any problem, of the file alone or
// with the account, is reported with the path of its member
// ("pipelines[0].stages[2].color"), all of them together, and nothing is written.
package setup
