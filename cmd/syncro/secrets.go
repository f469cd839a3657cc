package main

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hidden stands where a password stood.
const hidden = "xxxxx"

// secretWriter hides passwords from what is printed: errors of drivers and of the
// command line's parser quote what they were given.
type secretWriter struct {
	to      io.Writer
	secrets [][]byte
}

// hideSecrets wraps a writer so that no password in the arguments or in the
// environment's "NAME=VALUE" gets through it.
func hideSecrets(to io.Writer, texts []string) io.Writer {
	w := &secretWriter{to: to}
	for i, text := range texts {
		if i > 0 && slices.Contains([]string{"--secret-key", "--token", "--hook-secret", "--verify-token"}, texts[i-1]) {
			w.hide(text)
		}
		for _, name := range []string{
			"PGPASSWORD=", "SYNCRO_SECRET_KEY=", "--secret-key=", "SYNCRO_INSTANCE_TOKEN=", "SYNCRO_INSTANCE_HOOK_SECRET=", "SYNCRO_INSTANCE_VERIFY_TOKEN=",
			"--token=", "--hook-secret=", "--verify-token=",
		} {
			if _, password, found := strings.Cut(text, name); found {
				w.hide(password)
			}
		}
		if at := strings.Index(text, "postgres"); at >= 0 {
			w.hideIn(text[at:])
		}
	}
	// A password may be part of another one.
	slices.SortFunc(w.secrets, func(a, b []byte) int { return len(b) - len(a) })
	if len(w.secrets) == 0 {
		return to
	}
	return w
}

// hideIn finds the passwords of a database URL, even of one that is malformed.
func (w *secretWriter) hideIn(address string) {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.LastIndexByte(rest, '@'); end >= 0 {
		if _, password, found := strings.Cut(rest[:end], ":"); found {
			w.hide(password)
		}
	}
	_, parameters, _ := strings.Cut(rest, "?")
	for parameter := range strings.SplitSeq(parameters, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if name == "password" || name == "sslpassword" {
			w.hide(value)
		}
	}
}

// hide hides a password in the forms in which it can be printed: as given,
// decoded, and with its special characters escaped.
func (w *secretWriter) hide(password string) {
	forms := []string{password}
	if decoded, err := url.PathUnescape(password); err == nil {
		forms = append(forms, decoded, url.UserPassword("", decoded).String()[1:])
	}
	for _, form := range forms {
		for _, text := range []string{form, strings.Trim(strconv.Quote(form), `"`)} {
			if text != "" {
				w.secrets = append(w.secrets, []byte(text))
			}
		}
	}
}

func (w *secretWriter) Write(b []byte) (int, error) {
	text := b
	for _, secret := range w.secrets {
		if bytes.Contains(text, secret) {
			text = bytes.ReplaceAll(text, secret, []byte(hidden))
		}
	}
	if _, err := w.to.Write(text); err != nil {
		return 0, err
	}
	return len(b), nil
}
