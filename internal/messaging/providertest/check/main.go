// Check holds what the adapters' tables promise against the providers' own OpenAPI
// descriptions: every recorded exchange, every webhook, and every member that our
// schemas let us send. `make check-providers` runs it.
//
// The descriptions are not part of this repository. What they do not know, the
// fixtures say why ("off_spec"), and where they contradict themselves they are
// loosened (description.go).
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"syncro/internal/messaging/providertest"
)

// provider is an adapter and the description of its service.
type provider struct {
	name, testdata, file string
	problem              string // schema of refusals, "" when they are not described
	hook                 func(*checker, string, any)
	// undescribed are members that the description forgets, with who names them.
	undescribed map[string]string
}

var providers = []provider{
	{"WAHA", "internal/messaging/waha/testdata", "waha-2024.9.json", "", wahaHook, nil},
	{"Meta's Cloud API", "internal/messaging/cloudapi/testdata", "meta-business-messaging-v23.0.yaml", "GraphAPIError", cloudHook,
		map[string]string{"image.caption": "Meta's guide to image messages"}},
}

func main() {
	dir := os.Getenv("PROVIDER_SPECS")
	if dir == "" {
		dir = "../shared/reference/provider-specs"
	}
	if err := run(os.Stdout, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, dir string) error {
	found := 0
	for _, p := range providers {
		d, err := open(filepath.Join(dir, p.file))
		if os.IsNotExist(err) {
			return fmt.Errorf("%s is not in %s: say with PROVIDER_SPECS=DIRECTORY where the providers' descriptions are", p.file, dir)
		}
		if err != nil {
			return err
		}
		c := &checker{description: d, provider: p, out: out, schemas: map[string][]operation{}}
		if err := c.check(); err != nil {
			return err
		}
		found += c.found
		if _, err := fmt.Fprintf(out, "%s: %d exchanges, %d webhooks and %d members agree with %s; %d fixtures are off it by intention\n",
			p.name, c.exchanges, c.hooks, c.members, p.file, c.off); err != nil {
			return err
		}
	}
	if found > 0 {
		return fmt.Errorf("%d things disagree with the providers' descriptions", found)
	}
	return nil
}

// checker checks the tables of one provider.
type checker struct {
	*description
	provider provider
	out      io.Writer
	schemas  map[string][]operation // which operations a schema of ours is for

	found, off, exchanges, hooks, members int
}

// report says what disagrees.
func (c *checker) report(where, format string, args ...any) {
	c.found++
	_, _ = fmt.Fprintf(c.out, "%s: %s: %s\n", c.provider.name, where, fmt.Sprintf(format, args...)) // the count is told, too
}

func (c *checker) check() error {
	cases, err := providertest.Load[providertest.Case](c.provider.testdata, "calls.json")
	if err != nil {
		return err
	}
	for _, one := range cases {
		for _, e := range one.Exchanges {
			if e.OffSpec != "" {
				c.off++
				if e.Schema != "" { // what we send is described all the same, if not when
					c.schemas[e.Schema] = c.operations(e.Method, e.Path)
				}
				continue
			}
			c.exchange(one.Name, e)
		}
	}
	hooks, err := providertest.Load[providertest.HookCase](c.provider.testdata, "hooks.json")
	if err != nil {
		return err
	}
	for _, one := range hooks {
		if one.OffSpec != "" {
			c.off++
			continue
		}
		before := c.found
		body, err := decode(one.Body)
		if err != nil {
			return err
		}
		if c.provider.hook(c, one.Name, body); c.found == before {
			c.hooks++
		}
	}
	names, err := fs.Glob(os.DirFS(c.provider.testdata), "schemas/*.json")
	if err != nil {
		return fmt.Errorf("listing the schemas: %w", err)
	}
	for _, name := range names {
		if err := c.ownSchema(name); err != nil {
			return err
		}
	}
	return nil
}

// exchange checks one exchange. Of several operations with such a path it has to
// agree with one.
func (c *checker) exchange(where string, e providertest.Exchange) {
	operations := c.operations(e.Method, e.Path)
	if len(operations) == 0 {
		c.report(where, "%s %s is not described", e.Method, e.Path)
		return
	}
	if e.Schema != "" {
		c.schemas[e.Schema] = operations
	}
	var least []string
	for i, o := range operations {
		problems := c.disagreements(o, e)
		if i == 0 || len(problems) < len(least) {
			least = problems
		}
	}
	for _, problem := range least {
		c.report(where, "%s", problem)
	}
	if len(least) == 0 {
		c.exchanges++
	}
}

func (c *checker) disagreements(o operation, e providertest.Exchange) (problems []string) {
	asked, required := c.parameters(o)
	for name := range e.Query {
		if !slices.Contains(asked, name) && !c.parameterElsewhere(name) {
			problems = append(problems, fmt.Sprintf("the parameter %s is not described", name))
		}
	}
	for _, name := range required {
		if _, given := e.Query[name]; !given {
			problems = append(problems, fmt.Sprintf("the parameter %s is required", name))
		}
	}
	if len(e.Body) > 0 {
		problems = append(problems, c.validate(o.at+"/requestBody/content/application~1json/schema", e.Body)...)
	}
	body := e.Answer.Bytes()
	if e.Answer.Text != "" || len(body) == 0 {
		return problems // of a gateway, or nothing
	}
	schema := fmt.Sprintf("%s/responses/%d/content/application~1json/schema", o.at, e.Answer.Status)
	switch {
	case c.has(schema):
		problems = append(problems, c.validate(schema, body)...)
	case e.Answer.Status < 300:
		problems = append(problems, fmt.Sprintf("an answer %d is not described", e.Answer.Status))
	case c.provider.problem != "":
		problems = append(problems, c.validate("/components/schemas/"+c.provider.problem, body)...)
	}
	return problems
}

// ownSchema checks that every member which a schema of ours allows is one that the
// provider knows. The exchanges cannot show that: most described objects are open.
func (c *checker) ownSchema(name string) error {
	text, err := os.ReadFile(filepath.Join(c.provider.testdata, name))
	if err != nil {
		return fmt.Errorf("reading a schema: %w", err)
	}
	schema, err := decode(text)
	if err != nil {
		return err
	}
	operations := c.schemas[strings.TrimSuffix(filepath.Base(name), ".json")]
	if len(operations) == 0 {
		c.report(name, "no exchange uses it")
		return nil
	}
	known := map[string]bool{}
	for _, o := range operations {
		c.describedMembers(o, known)
	}
	for _, path := range allowedMembers(schema) {
		if known[path] || c.provider.undescribed[path] != "" {
			c.members++
		} else {
			c.report(name, "the member %s is not described", path)
		}
	}
	return nil
}

// wahaHook checks a webhook against the schema of its event.
func wahaHook(c *checker, where string, body any) {
	envelope, _ := body.(map[string]any)
	for name, schema := range object(c.doc, "components", "schemas") {
		if event := object(schema, "properties", "event"); event != nil && event["default"] == envelope["event"] {
			for _, problem := range c.validateValue("/components/schemas/"+name, body) {
				c.report(where, "%s", problem)
			}
			return
		}
	}
	c.report(where, "the event %v is not described", envelope["event"])
}

// cloudHook checks a webhook part by part. Meta's description gives the messages of
// customers the names of those that we send, so that their common members cannot be
// checked; what belongs to each type can.
func cloudHook(c *checker, where string, body any) {
	part := func(schema string, value any) {
		for _, problem := range c.validateValue("/components/schemas/"+schema, value) {
			c.report(where, "%s", problem)
		}
	}
	types := object(c.doc, "components", "schemas", "IncomingMessage", "discriminator", "mapping")
	for _, entry := range list(body, "entry") {
		for _, change := range list(entry, "changes") {
			value := object(change, "value")
			part("Metadata", value["metadata"])
			for _, contact := range list(value, "contacts") {
				part("ContactProfile", contact)
			}
			for _, status := range list(value, "statuses") {
				part("Statuses", status)
			}
			for _, message := range list(value, "messages") {
				m := object(message)
				reference, ok := types[fmt.Sprint(m["type"])].(string)
				if !ok {
					c.report(where, "the type %v is not described", m["type"])
					continue
				}
				part(strings.TrimPrefix(reference, "#/components/schemas/")+"/allOf/1", message)
			}
		}
	}
}
