package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
)

// pipes is a listener within the test's own time.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
}

func newPipes() *pipes { return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// call posts to a function and gives the status; 0 where the connection ended without an answer.
func (p *pipes) call(path string) int {
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	select {
	case p.connections <- server:
	case <-p.closed:
		return 0
	}
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(queueBody), queueBody)
	if _, err := client.Write([]byte(request)); err != nil {
		return 0
	}
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// serving is Serve on pipes. End gives its error after the stop.
type serving struct {
	listener *pipes
	stop     func()
	end      func() error
}

func serve(run func(context.Context, envelope.Invocation) (envelope.Answer, error)) serving {
	listener := newPipes()
	log, _ := logger()
	hang := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Second) })
	m := New(log, []Function{{Name: "RunCheck", Limit: 150 * time.Second, Run: run}},
		[]HTTPFunction{{Name: "Hang", Route: "hang", Methods: []string{"POST"}, Limit: time.Minute, Handler: hang}})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, m, ServeOptions{Log: log, Drain: DefaultDrain()}) }()
	return serving{listener: listener, stop: stop, end: func() error { return <-ended }}
}

// The time limit of reading a body must not end a check that runs longer.
func TestLongFunctionIsNotCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(func(ctx context.Context, _ envelope.Invocation) (envelope.Answer, error) {
			select {
			case <-time.After(2 * time.Minute):
				return envelope.Answer{}, nil
			case <-ctx.Done():
				return envelope.Answer{}, ctx.Err()
			}
		})
		if status := s.listener.call("/RunCheck"); status != 200 {
			t.Errorf("status %d of a function that ran two minutes", status)
		}
		s.stop()
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// A body that never comes ends with the time limit, not never.
func TestBodyThatNeverComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(fine)
		client, server := net.Pipe()
		s.listener.connections <- server
		if _, err := client.Write([]byte("POST /RunCheck HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); response.StatusCode != 500 || took != readWithin {
			t.Errorf("answer %d after %s", response.StatusCode, took)
		}
		_ = client.Close()
		s.stop()
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path string
		run        func(ctx context.Context) error
		status     int
		// took is the longest time from the stop to the end; Shutdown looks every half second.
		took     time.Duration
		complete bool
	}{
		{"what runs may finish", "/RunCheck", func(context.Context) error { time.Sleep(10 * time.Second); return nil },
			200, 11 * time.Second, true},
		{"what takes too long is cancelled", "/RunCheck", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			500, 21 * time.Second, true},
		{"what hangs is answered for", "/RunCheck", func(context.Context) error { time.Sleep(100 * time.Second); return nil },
			500, 26 * time.Second, true},
		{"what hangs with its answer is left", "/api/hang", nil, 0, 27 * time.Second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(func(ctx context.Context, _ envelope.Invocation) (envelope.Answer, error) {
					return envelope.Answer{}, test.run(ctx)
				})
				status := make(chan int, 1)
				go func() { status <- s.listener.call(test.path) }()
				synctest.Wait()
				stopped := time.Now()
				s.stop()
				synctest.Wait()
				if got := s.listener.call("/RunCheck"); got != 0 {
					t.Errorf("a new call while stopping got %d", got)
				}
				err := s.end()
				if took := time.Since(stopped); took > test.took {
					t.Errorf("ended after %s, want %s", took, test.took)
				}
				if complete := err == nil; complete != test.complete {
					t.Errorf("end: %v", err)
				}
				if got := <-status; got != test.status {
					t.Errorf("status %d, want %d", got, test.status)
				}
				time.Sleep(5 * time.Minute) // What hangs must be over when the test's time ends.
			})
		})
	}
}

func TestServeOnAListenerThatBreaks(t *testing.T) {
	t.Parallel()
	log, _ := logger()
	options := ServeOptions{Log: log, Drain: DefaultDrain()}
	err := Serve(context.Background(), broken{newPipes()}, http.NotFoundHandler(), options)
	if err == nil || !strings.Contains(err.Error(), "out of files") {
		t.Errorf("error %v", err)
	}
}

type broken struct{ *pipes }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("out of files") }
