package chaos

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// fail is how an attempt ends that the peer never saw.
func (n *network) fail(w http.ResponseWriter, r *http.Request, k kind) {
	switch status, after := k.status(); {
	case status != 0:
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"code":"Ordered","message":"This fault was ordered."}}`)
	case k == blackHole:
		n.hang(w, r)
	default:
		cut(w)
	}
}

// spoil keeps an answer from its receiver.
func (n *network) spoil(w http.ResponseWriter, r *http.Request, k kind, answer *httptest.ResponseRecorder) {
	switch k {
	case doneHang:
		n.hang(w, r)
	case doneDrip:
		n.drip(w, answer)
	default:
		n.fail(w, r, k)
	}
}

// hang waits until the sender gives up, and then breaks the connection.
func (n *network) hang(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-n.over:
	}
	cut(w)
}

// cut breaks the connection: what its other end reads is a reset.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// drip sends an answer so slowly that it takes up to twice the service's patience.
func (n *network) drip(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", answer.Code, http.StatusText(answer.Code), answer.Body.Len())
	raw.Write(answer.Body.Bytes())
	const steps = 12
	piece := raw.Len()/steps + 1
	step := time.Duration(answer.Body.Len()%5) * n.patience / (2 * steps) // from at once to twice the patience
	for raw.Len() > 0 {
		if _, err := conn.Write(raw.Next(piece)); err != nil {
			return
		}
		select {
		case <-time.After(step):
		case <-n.over:
			return
		}
	}
}
