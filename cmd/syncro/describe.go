package main

import (
	"fmt"
	"runtime/debug"

	"syncro/internal/app"
)

// version is set by the linker when a release is built (see the Makefile).
var version string

// programVersion is that version, or what the Go tool noted of the sources.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

type versionCommand struct{}

// Run prints the version.
func (*versionCommand) Run(to *streams) error {
	_, err := fmt.Fprintln(to.out, "syncro", programVersion())
	return err
}

type openAPICommand struct{}

// Run prints the document.
func (*openAPICommand) Run(to *streams) error {
	text, err := app.Document()
	if err != nil {
		return err
	}
	_, err = to.out.Write(text)
	return err
}
