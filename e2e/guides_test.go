package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// shellBlock is a block of commands in a guide.
var shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)```")

// refusedInGuides are the commands that show how something is refused, by a part
// of them.
var refusedInGuides = map[string]int{
	`"name": "", "pipeline_id": 1`:           422,
	`/leads/124/stage" -H "X-API-Key: $KEY"`: 422,
	`If-Match: "99"`:                         412,
}

// A reader types what stands in the READMEs and the guides, from top to bottom,
// while the demo runs.
func TestEveryCommandOfTheGuidesWorksOnTheDemo(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"../README.md", "../README.pt-BR.md", "../docs/api-guide.md", "../docs/api-guide.pt-BR.md"} {
		t.Run(guide, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(guide)
			if err != nil {
				t.Fatal(err)
			}
			c := freshDemo(t, sqlite)
			tried := 0
			for _, block := range shellBlock.FindAllStringSubmatch(string(content), -1) {
				for _, command := range commandsIn(block[1]) {
					if strings.Contains(command, "crm_…") {
						continue // for a server of one's own
					}
					tried++
					c.tryAsTyped(t, command)
				}
			}
			if tried < 10 {
				t.Errorf("only %d commands were found", tried)
			}
		})
	}
}

// commandsIn are the curl commands of a block, each with the lines that continue it.
func commandsIn(block string) (commands []string) {
	for line := range strings.SplitSeq(block, "\n") {
		switch {
		case strings.HasPrefix(line, "curl "):
			commands = append(commands, line)
		case strings.HasPrefix(line, " ") && len(commands) > 0:
			commands[len(commands)-1] += "\n" + line
		}
	}
	return commands
}

// tryAsTyped sends what a guide tells to type, and wants it to succeed unless it
// shows a refusal.
func (c *client) tryAsTyped(t *testing.T, command string) {
	t.Helper()
	typed, _, _ := strings.Cut(command, " | ")
	typed = strings.NewReplacer("$SYNCRO", c.base+"/api/v1", "$KEY", c.key, "http://127.0.0.1:8080", c.base).Replace(typed)
	request, err := parseCurl(typed)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := exchange(request.method, request.url, request.header, request.body)
	if err != nil {
		t.Error(err)
		return
	}
	for part, status := range refusedInGuides {
		if strings.Contains(command, part) {
			if got.status != status {
				t.Errorf("%s\n%d %s, want %d", command, got.status, got.text, status)
			}
			return
		}
	}
	if got.status >= 300 {
		t.Errorf("%s\n%d %s", command, got.status, got.text)
	}
}
