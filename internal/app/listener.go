package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
)

// jsonListener gives connections on which net/http's own refusals are JSON like
// all others. A request whose head cannot be read (garbage in a header, a head
// that is too long) never reaches a handler: net/http answers it with plain text.
type jsonListener struct{ net.Listener }

// Accept waits for the next connection.
func (l jsonListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return jsonConn{tcp}, nil
	}
	return c, err
}

// jsonConn keeps all methods of the TCP connection, which net/http looks for.
type jsonConn struct{ *net.TCPConn }

// plainHead follows the status line of net/http's own refusals, and of nothing
// that a handler answers, whose heads have a date.
var plainHead = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// Write passes everything through but such a refusal.
func (c jsonConn) Write(b []byte) (int, error) {
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(b, []byte("HTTP/1.1 5")) {
		return c.TCPConn.Write(b)
	}
	end := bytes.IndexByte(b, '\r')
	if end < 0 || !bytes.HasPrefix(b[end:], plainHead) {
		return c.TCPConn.Write(b)
	}
	// "HTTP/1.1 400 Bad Request: invalid header name"
	status, reason, found := strings.Cut(string(b[:end]), ": ")
	if !found {
		reason = strings.ToLower(strings.TrimLeft(status, "HTP/.0123456789 "))
	}
	body, err := json.Marshal(map[string]string{"message": "The request cannot be read: " + reason + "."})
	if err != nil {
		return 0, err
	}
	_, err = fmt.Fprintf(c.TCPConn, "%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
	return len(b), err
}
