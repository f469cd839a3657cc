package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The program as a process is tried in package e2e.

func TestEveryFlagIsAlsoAnEnvironmentVariable(t *testing.T) {
	var line commandLine
	parser, err := kong.New(&line, kong.Vars{"plan": "", "zone": ""})
	if err != nil {
		t.Fatal(err)
	}
	meanings := map[string]string{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			if flag.Name == "help" {
				continue
			}
			if len(flag.Envs) != 1 || !strings.HasPrefix(flag.Envs[0], "SYNCRO_") {
				t.Errorf("%s --%s has the variables %v", n.Path(), flag.Name, flag.Envs)
				continue
			}
			// One variable must not set flags that mean different things.
			meaning := flag.Name + " " + strings.TrimPrefix(reflect.Zero(flag.Target.Type()).Type().String(), "*")
			if known, ok := meanings[flag.Envs[0]]; ok && known != meaning {
				t.Errorf("%s sets --%s and --%s", flag.Envs[0], known, meaning)
			}
			meanings[flag.Envs[0]] = meaning
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(parser.Model.Node)
	if len(meanings) < 15 {
		t.Errorf("only %d variables were found", len(meanings))
	}
}
