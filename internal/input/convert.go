package input

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"syncro/internal/calendar"
	"syncro/internal/faults"
	"syncro/internal/money"
)

// complaint is a message with the name of its field left open, or "" for none.
type complaint string

const attribute = ":attribute"

func must(what string) complaint {
	return complaint("The " + attribute + " field must " + what + ".")
}

const (
	isRequired  complaint = "The " + attribute + " field is required."
	notSelected complaint = "The selected " + attribute + " is invalid."
)

func (c complaint) report(problems *faults.Bag, path string) {
	problems.Add(path, strings.Replace(string(c), attribute, faults.Spoken(path), 1))
}

// convert stores a value in what dst points to, or reports why it cannot.
func convert(dst any, in incoming, r *rule, path string, problems *faults.Bag) bool {
	var c complaint
	switch dst := dst.(type) {
	case *string, *int64, *bool, *money.Cents, *calendar.Date, *calendar.Clock:
		c = convertScalar(dst, in, r, r.maxLength)
	case *json.RawMessage:
		*dst = in.raw
	case *Object:
		var ok bool
		if *dst, ok = in.asObject(); !ok {
			c = must("be an array") // PHP, and so Laravel, knows no other word for it
		}
	case *[]string:
		return convertList(dst, in, r, path, problems)
	case *[]int64:
		return convertList(dst, in, r, path, problems)
	default:
		return convertNested(reflect.ValueOf(dst).Elem(), in, r, path, problems)
	}
	if c != "" {
		c.report(problems, path)
	}
	return c == ""
}

// convertScalar stores one value that is neither an array nor an object.
func convertScalar(dst any, in incoming, r *rule, maxLength int) complaint {
	var ok bool
	switch dst := dst.(type) {
	case *string:
		if *dst, ok = in.asText(); !ok {
			return must("be a string")
		}
		return r.checkText(*dst, maxLength)
	case *int64:
		if *dst, ok = in.asInteger(); !ok {
			return must("be an integer")
		}
		return r.checkNumber(*dst, 0)
	case *money.Cents:
		return r.convertMoney(dst, in)
	case *bool:
		if *dst, ok = in.asBoolean(); !ok {
			return must("be true or false")
		}
	case *calendar.Date:
		date, err := calendar.ParseDate(in.text)
		if err != nil || in.shape != text {
			return must("match the format Y-m-d")
		}
		*dst = date
	case *calendar.Clock:
		clock, err := calendar.ParseClock(in.text)
		if err != nil || in.shape != text {
			return must("match the format H:i")
		}
		*dst = clock
	}
	return ""
}

// maxReported keeps the answer to a long array of wrong items short.
const maxReported = 100

// convertList reads an array of scalars.
func convertList[T string | int64](dst *[]T, in incoming, r *rule, path string, problems *faults.Bag) bool {
	if in.shape != array {
		must("be an array").report(problems, path)
		return false
	}
	list, wrong := make([]T, 0, 4), 0
	for item := range in.elements() {
		var value T
		c := isRequired
		if item.shape != blank { // and null, which an item cannot be, is of the wrong type
			c = convertScalar(&value, item, r, max(r.maxLength, r.itemMaxLength))
		}
		if c != "" {
			c.report(problems, path+"."+strconv.Itoa(len(list)))
			if wrong++; wrong == maxReported {
				return false
			}
		}
		list = append(list, value)
	}
	if wrong > 0 || !r.checkCount(len(list), path, problems) {
		return false
	}
	*dst = list
	return true
}

// convertNested reads a struct of Fields out of an object, or a slice of such
// structs out of an array. Members that are wrong are left out, the others are
// there to be checked further: all failing fields are reported at once.
func convertNested(dst reflect.Value, in incoming, r *rule, path string, problems *faults.Bag) bool {
	if dst.Kind() == reflect.Struct {
		if in.shape != object {
			must("be an array").report(problems, path)
			return false
		}
		bodyPlan(dst.Type()).decode(dst, in.raw, path+".", problems)
		return true
	}
	if in.shape != array {
		must("be an array").report(problems, path)
		return false
	}
	list, before := reflect.MakeSlice(dst.Type(), 0, 4), len(problems.Problems())
	for item := range in.elements() {
		value := reflect.New(dst.Type().Elem()).Elem()
		convertNested(value, item, r, path+"."+strconv.Itoa(list.Len()), problems)
		if len(problems.Problems())-before >= maxReported {
			return false
		}
		list = reflect.Append(list, value)
	}
	if !r.checkCount(list.Len(), path, problems) {
		return false
	}
	dst.Set(list)
	return true
}

// convertMoney reads an amount. The limits are held against the number as it was
// sent: -0.001 is less than nothing, though it would be rounded to nothing.
func (r *rule) convertMoney(dst *money.Cents, in incoming) complaint {
	exact, ok := decimal{}, false
	if in.shape == text || in.shape == number {
		exact, ok = parseDecimal(in.text)
	}
	if !ok {
		return must("be a number")
	}
	cents, err := money.Parse(strings.TrimPrefix(in.text, "+"))
	switch {
	case err == nil:
		*dst = cents
		return r.checkNumber(int64(cents), exact.besideItsCents())
	case exact.negative && r.minimum.set:
		return must("be at least " + r.minimum.text)
	case !exact.negative && r.maximum.set:
		return must("not be greater than " + r.maximum.text)
	}
	return must("be a number")
}
