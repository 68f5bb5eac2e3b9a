package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestColdStart holds two figures of the binary as it is deployed: process start to first answer, and size. The best
// of some starts counts, since the other tests share the cores.
func TestColdStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "handler")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, root+"/handlers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(30 << 20); info.Size() > limit {
		t.Errorf("%d bytes", info.Size())
	}
	best := time.Hour
	for range 10 {
		best = min(best, firstAnswer(t, path))
	}
	t.Logf("first answer after %s, %.1f MB", best.Round(100*time.Microsecond), float64(info.Size())/(1<<20))
	if best > 25*time.Millisecond {
		t.Errorf("first answer after %s", best)
	}
}

func firstAnswer(t *testing.T, path string) time.Duration {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	command := exec.Command(path)
	command.Env = []string{fmt.Sprintf("FUNCTIONS_CUSTOMHANDLER_PORT=%d", port)}
	started := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	for time.Since(started) < 10*time.Second {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err == nil {
			response.Body.Close()
			return time.Since(started)
		}
		time.Sleep(200 * time.Microsecond)
	}
	t.Fatal("no answer")
	return 0
}
