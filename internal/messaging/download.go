package messaging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// StoredMedium is the file of a message on its way to a client.
type StoredMedium struct {
	file     *os.File
	at       time.Time // since when it is what it is
	mimeType string
	name     string
}

// Medium opens the file of a message. It is a Conflict while it is still to be
// fetched, and NotFound when there is none or it could not be had.
func (s *Service) Medium(ctx context.Context, actor authz.Actor, messageID int64) (StoredMedium, error) {
	var m *Message
	var waiting bool
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		if m, err = findMessage(q, actor, messageID); err != nil {
			return err
		}
		return db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM media_fetches WHERE account_id = $1 AND message_id = $2 AND state = 'pending')`, actor.AccountID, messageID), &waiting)
	})
	switch {
	case err != nil:
		return StoredMedium{}, err
	case waiting:
		return StoredMedium{}, faults.New(faults.Conflict, "A mídia ainda está sendo obtida do provedor.", faults.Member{Name: "retry_after", Value: 5})
	case m.Media.File == "":
		return StoredMedium{}, faults.New(faults.NotFound, "A mensagem não tem mídia guardada.")
	}
	file, err := os.OpenInRoot(s.MediaDir, m.Media.File)
	if errors.Is(err, fs.ErrNotExist) {
		return StoredMedium{}, faults.New(faults.NotFound, "A mídia não está mais guardada.").Because(err)
	}
	if err != nil {
		return StoredMedium{}, fmt.Errorf("opening the medium of message %d: %w", messageID, err)
	}
	return StoredMedium{file: file, at: m.CreatedAt, mimeType: m.Media.MimeType, name: m.Media.Name}, nil
}

// ServeHTTP writes the file, or the part of it that is asked for. What a customer
// has sent is never run: browsers are told its type only where it is a harmless one,
// not to guess, and to show nothing in place but pictures, sounds and videos.
func (m StoredMedium) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer m.file.Close() //nolint:errcheck // it was only read
	contentType, disposition := "application/octet-stream", "attachment"
	if plain, _, err := mime.ParseMediaType(m.mimeType); err == nil && extensions[plain] != "" {
		contentType = plain
		if family, _, _ := strings.Cut(plain, "/"); family == "image" || family == "audio" || family == "video" {
			disposition = "inline"
		}
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": m.fileName()}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=3600")
	http.ServeContent(w, r, "", m.at, m.file)
}

// fileName is the name that the customer gave the file, without what could lead
// elsewhere, or the one that it has here.
func (m StoredMedium) fileName() string {
	name := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(m.name, `\`, "/")))
	if name = strings.Trim(name, ". /"); name == "" {
		return path.Base(m.file.Name())
	}
	return cut(name, maxFileName)
}

const maxFileName = 200

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
