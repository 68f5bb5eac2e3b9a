package host

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// asHandler is the setting that turns the test binary into a custom handler. Its value says how it starts.
const asHandler = "HOST_TEST_HANDLER"

func TestMain(m *testing.M) {
	switch os.Getenv(asHandler) {
	case "":
		os.Exit(m.Run())
	case "fails":
		fmt.Fprintln(os.Stderr, "setting CHECK_QUEUE: port 99999 is not possible")
		os.Exit(1)
	}
	if err := serveHandler(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// envelope is what the fake handler reads of a default invocation.
type envelope struct {
	Data     map[string]json.RawMessage
	Metadata struct{ DeliveryCount string }
}

// seen is what the fake handler tells of a request.
type seen struct {
	Method, Path, Query, Host, Body string
	Header                          http.Header
	ContentLength                   int64
	PID                             int
}

func serveHandler() error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /Work", work)
	mux.HandleFunc("POST /Tick", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		note(string(body))
		answer(w, "{}")
	})
	mux.HandleFunc("POST /Event", event)
	mux.HandleFunc("POST /Wrapped", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, _ := json.Marshal(string(body))
		answer(w, `{"Outputs":{"res":{"statusCode":"202","headers":{"X-From":"handler"},"body":`+string(text)+`}},`+
			`"Logs":["seen"]}`)
	})
	mux.HandleFunc("POST /Bare", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) })
	mux.HandleFunc("/api/echo/{what}", echo)
	mux.HandleFunc("/api/stream/{what}", stream)
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		return err
	}
	return http.Serve(listener, mux)
}

// work does what the text of the message says at its first delivery, and succeeds at any later one.
func work(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body envelope
	var text []byte
	if err := json.Unmarshal(raw, &body); err != nil || json.Unmarshal(body.Data["message"], &text) != nil {
		http.Error(w, "cannot read "+string(raw), http.StatusBadRequest)
		return
	}
	note(fmt.Sprintf("%s#%s", text, strings.Trim(body.Metadata.DeliveryCount, `"`)))
	if body.Metadata.DeliveryCount != "1" {
		answer(w, "{}")
		return
	}
	switch string(text) {
	case "fails":
		w.WriteHeader(http.StatusInternalServerError)
	case "answers nothing":
		w.WriteHeader(http.StatusNoContent)
	case "takes long":
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	case "takes a moment":
		time.Sleep(300 * time.Millisecond)
		answer(w, "{}")
	case "takes 3 s":
		time.Sleep(3 * time.Second)
		answer(w, "{}")
	case "resets":
		reset(w)
	case "redirects":
		http.Redirect(w, r, "/api/echo/after-redirect", http.StatusSeeOther)
	default:
		answer(w, `{"Logs":["worked"]}`)
	}
}

// event notes the id of an event, and fails where its type says so.
func event(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Data     map[string]string
		Metadata struct{ ID string }
	}
	var text string
	var event struct{ ID, Type string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal([]byte(body.Data["event"]), &text) != nil ||
		json.Unmarshal([]byte(text), &event) != nil || body.Metadata.ID != `"`+event.ID+`"` {
		http.Error(w, "cannot read", http.StatusBadRequest)
		return
	}
	note(event.ID)
	if event.Type == "fails" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer(w, "{}")
}

func answer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, text)
}

func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// note appends a line to the file that the test reads; it outlives the process.
func note(line string) {
	file, err := os.OpenFile(os.Getenv("NOTES"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintln(file, line)
	_ = file.Close()
}

// echo answers 418 with what it saw, so that a test notices a status that is not passed on.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("what") == "reset" {
		reset(w)
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-From", "handler")
	if r.PathValue("what") != "after-redirect" {
		w.WriteHeader(http.StatusTeapot)
	}
	_ = json.NewEncoder(w).Encode(seen{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host, Body: string(body),
		Header: r.Header, ContentLength: r.ContentLength, PID: os.Getpid(),
	})
}

// stream sends back every chunk when it comes; "half" leaves in the middle, "stuck" does not end.
func stream(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	_, _ = io.WriteString(w, "begin\n")
	_ = control.Flush()
	switch r.PathValue("what") {
	case "half":
		reset(w)
		return
	case "stuck":
		time.Sleep(20 * time.Second)
		return
	}
	buffer := make([]byte, 100)
	for {
		n, err := r.Body.Read(buffer)
		_, _ = w.Write(buffer[:n])
		_ = control.Flush()
		if err != nil {
			return
		}
	}
}
