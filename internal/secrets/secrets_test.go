package secrets_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"syncro/internal/secrets"
)

var key = bytes.Repeat([]byte{7}, 32)

func box(t *testing.T, key []byte) *secrets.Box {
	t.Helper()
	b, err := secrets.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seal(t *testing.T, b *secrets.Box, plain string) string {
	t.Helper()
	text, err := b.Seal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsSealedOpensAgainAndShowsNothing(t *testing.T) {
	b := box(t, key)
	for _, plain := range []string{"", "EAAG-token.with.dots", strings.Repeat("ç", 5000)} {
		text := seal(t, b, plain)
		if plain != "" && (strings.Contains(text, plain) || text == seal(t, b, plain)) {
			t.Errorf("%.20q is sealed as %.40q, or twice the same", plain, text)
		}
		if got, err := b.Open(text); err != nil || got != plain {
			t.Errorf("%.20q opens as %.20q, %v", plain, got, err)
		}
	}
}

func TestAnotherKeyIsToldFromAChangedText(t *testing.T) {
	b := box(t, key)
	text := seal(t, b, "token")
	if _, err := box(t, bytes.Repeat([]byte{8}, 32)).Open(text); !errors.Is(err, secrets.ErrWrongKey) {
		t.Errorf("another key says %v", err)
	}
	for _, changed := range []string{"token", "s2" + text[2:], text[:len(text)-4] + "AAAA", text[:len(text)-9], text + ".x", "s1..", text + "!"} {
		if got, err := b.Open(changed); err == nil || errors.Is(err, secrets.ErrWrongKey) && !strings.HasPrefix(changed, "s1..") {
			t.Errorf("%q opens as %q, %v", changed, got, err)
		}
	}
}

func TestKeysAreReadFromHexAndBase64(t *testing.T) {
	for _, text := range []string{
		hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)) + "\n",
		base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key),
	} {
		if got, err := secrets.ParseKey(text); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%q is read as %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "secret", hex.EncodeToString(key[:31]), base64.StdEncoding.EncodeToString(key[:16])} {
		if _, err := secrets.ParseKey(text); err == nil {
			t.Errorf("%q is taken for a key", text)
		}
	}
	if _, err := secrets.New(key[:16]); err == nil {
		t.Error("16 bytes are taken for a key")
	}
}

func TestAKeyFileIsMadeOnceForAllWhoStartAtOnce(t *testing.T) {
	dir := t.TempDir()
	boxes := make([]*secrets.Box, 8)
	var wait sync.WaitGroup
	for i := range boxes {
		wait.Go(func() {
			var err error
			if boxes[i], err = secrets.Load("", dir); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	text := seal(t, boxes[0], "token")
	for _, b := range boxes {
		if got, err := b.Open(text); err != nil || got != "token" {
			t.Errorf("opens as %q, %v", got, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("the directory holds %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
}

func TestAKeyThatOthersCanReadOrThatIsNoneIsRefused(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, secrets.KeyFile)
	if err := os.WriteFile(name, []byte(hex.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Load("", dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Load("", dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("an open key file gives %v", err)
	}
	if err := os.WriteFile(name, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Load("", dir); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a broken key file gives %v", err)
	}
	if _, err := secrets.Load("broken", dir); err == nil {
		t.Error("a broken key is accepted")
	}
}

func TestALazyBoxMakesNoKeyBeforeItIsNeeded(t *testing.T) {
	dir := t.TempDir()
	b := secrets.Lazily("", dir)
	if got, err := b.Open(""); got != "" || err != nil {
		t.Errorf("nothing opens as %q, %v", got, err)
	}
	if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
		t.Fatalf("the directory holds %v, %v", files, err)
	}
	text := seal(t, b, "token")
	if got, err := secrets.Lazily("", dir).Open(text); got != "token" || err != nil {
		t.Errorf("opens as %q, %v", got, err)
	}
	if _, err := secrets.Lazily("broken", dir).Seal("token"); err == nil {
		t.Error("a broken key is accepted")
	}
}
