// Package secrets keeps what the program must be able to read again, the tokens of
// WhatsApp providers and the keys of webhooks' signatures, unreadable in the
// database and its backups.
//
// A sealed text is "s1.<key>.<box>": the version of this form, eight hex digits by
// which a wrong key is recognised, and AES-256-GCM with a random nonce in base64.
// The key is 32 bytes that never enter the database. Whoever has lost it has to
// type the tokens in again.
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

const (
	version = "s1"
	keySize = 32
)

// KeyFile is the name of the key's file in the data directory.
const KeyFile = "syncro.key"

// Why a text cannot be opened.
var (
	ErrWrongKey  = errors.New("the secret was sealed with another key: is SYNCRO_SECRET_KEY (or the key file) that of this database?")
	ErrNotSealed = errors.New("the text is no sealed secret, or has been changed")
)

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	key func() (key, error)
}

type key struct {
	aead cipher.AEAD
	id   string
}

// New makes a box with a key of 32 bytes.
func New(raw []byte) (*Box, error) {
	k, err := newKey(raw)
	if err != nil {
		return nil, err
	}
	return &Box{func() (key, error) { return k, nil }}, nil
}

func newKey(raw []byte) (key, error) {
	if len(raw) != keySize {
		return key{}, fmt.Errorf("the secret key has %d bytes instead of %d", len(raw), keySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, fmt.Errorf("making the cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, fmt.Errorf("making the cipher: %w", err)
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("syncro key id"))
	return key{aead, hex.EncodeToString(mac.Sum(nil)[:4])}, nil
}

// Seal makes a text that only the same key opens. The empty text stays empty:
// there is nothing to hide.
func (b *Box) Seal(plain string) (string, error) {
	if plain == "" {
		return "", nil
	}
	k, err := b.key()
	if err != nil {
		return "", err
	}
	head := version + "." + k.id + "."
	return head + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, []byte(plain), []byte(head))), nil //nolint:gosec // the cipher makes its own nonce and wants none
}

// Open gives what was sealed. The error is [ErrWrongKey] or [ErrNotSealed], wrapped.
func (b *Box) Open(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != version {
		return "", fmt.Errorf("opening a secret: %w", ErrNotSealed)
	}
	k, err := b.key()
	if err != nil {
		return "", err
	}
	if parts[1] != k.id {
		return "", fmt.Errorf("opening a secret: %w", ErrWrongKey)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return "", fmt.Errorf("opening a secret: %w", ErrNotSealed)
	}
	plain, err := k.aead.Open(nil, nil, sealed, []byte(version+"."+k.id+"."))
	if err != nil {
		return "", fmt.Errorf("opening a secret: %w", ErrNotSealed)
	}
	return string(plain), nil
}

// ParseKey reads a key of 32 bytes, written as 64 hex digits or in base64.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == keySize {
		return key, nil
	}
	text = strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errors.New("the secret key is not 32 bytes as 64 hex digits or in base64 (openssl rand -hex 32 makes one)")
}

// Lazily makes a box that does what [Load] does when something is to be sealed or
// opened first: whoever has no secrets needs no key, and no file is made.
func Lazily(text, dir string) *Box {
	return &Box{sync.OnceValues(func() (key, error) {
		b, err := Load(text, dir)
		if err != nil {
			return key{}, err
		}
		return b.key()
	})}
}

// Load makes a box with the key that is given as text, or with that of the file in
// dir, which is made at first use. Several nodes on one database need the same key:
// give it to them as text.
func Load(text, dir string) (*Box, error) {
	if text != "" {
		key, err := ParseKey(text)
		if err != nil {
			return nil, err
		}
		return New(key)
	}
	name := filepath.Join(dir, KeyFile)
	key, err := readKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(name); err == nil {
			key, err = readKey(name)
		}
	}
	if err != nil {
		return nil, err
	}
	return New(key)
}

func readKey(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the secret key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the secret key %s can be read by others (%v): chmod 600 it", name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the secret key: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// makeKey makes the file in one step: of two programs that start at once both read
// what one of them has written.
func makeKey(name string) (err error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	draft, err := os.CreateTemp(filepath.Dir(name), KeyFile+".*")
	if err != nil {
		return fmt.Errorf("making the secret key: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(draft.Name())) }()
	// CreateTemp makes files of mode 0600.
	_, err = draft.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return fmt.Errorf("making the secret key: %w", err)
	}
	if err := os.Link(draft.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the secret key: %w", err)
	}
	return nil
}
