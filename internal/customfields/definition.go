package customfields

// Types lists the types a field can have.
func Types() []Type {
	return []Type{Text, Number, Currency, Date, Select, Multiselect, Checkbox, Textarea, URL, Phone, Email}
}

// HasOptions tells whether fields of the type let choose among options.
func (t Type) HasOptions() bool { return t == Select || t == Multiselect }
