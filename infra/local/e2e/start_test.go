package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
)

// TestColdStart holds two figures of the binary as it is deployed: process start to first answer, and size. The best
// of some starts counts, of more where the other tests keep the cores busy. A machine that takes long for a start at all
// is told by a server that does nothing: there the handler may take half as long again, as in the benchmark.
func TestColdStart(t *testing.T) {
	handler, empty := built(t, "/handlers"), built(t, "/infra/local/bench/empty")
	info, err := os.Stat(handler)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 30<<20 {
		t.Errorf("%d bytes", info.Size())
	}
	best, least := time.Hour, time.Hour
	quick := func() bool { return best <= max(25*time.Millisecond, least*3/2) }
	for tries, until := 0, time.Now().Add(patience); tries < 10 || !quick() && time.Now().Before(until); tries++ {
		best, least = min(best, answerOf(t, handler)), min(least, answerOf(t, empty))
	}
	t.Logf("first answer after %s, of a server that does nothing after %s; %.1f MB", best.Round(100*time.Microsecond),
		least.Round(100*time.Microsecond), float64(info.Size())/(1<<20))
	if !quick() {
		t.Errorf("first answer after %s, of a server that does nothing after %s", best, least)
	}
}

// built compiles a program as it is deployed.
func built(t *testing.T, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(source))
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, root+source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func answerOf(t *testing.T, program string) time.Duration {
	answered, stop := firstAnswer(t, program)
	stop()
	return answered
}

// TestTablesAreMadeAtTheStart: tools of other people look for them before there is a report.
func TestTablesAreMadeAtTheStart(t *testing.T) {
	t.Parallel()
	tables, err := azurite.Start(t.Context(), azurite.Options{Dir: root + "/infra/local", DataDir: t.TempDir()})
	skipIfMissing(t, err)
	t.Cleanup(func() { _ = tables.Stop() })
	service, err := aztables.NewServiceClientFromConnectionString(tables.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	path, err := handler()
	if err != nil {
		t.Fatal(err)
	}
	_, stop := firstAnswer(t, path, "ResultTables="+tables.ConnectionString())
	defer stop()
	const want = "Checks History Recent Routes Waves"
	var got string
	for deadline := time.Now().Add(patience); got != want && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = names(t, service)
	}
	if got != want {
		t.Errorf("tables %q, want %q", got, want)
	}
}

// TestStartWaitsForNobody: the first answer comes although the address of the tables takes connections and says nothing.
func TestStartWaitsForNobody(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	path, err := handler()
	if err != nil {
		t.Fatal(err)
	}
	// firstAnswer gives up, and fails, long before a call to the tables does.
	_, stop := firstAnswer(t, path, "ResultTables=DefaultEndpointsProtocol=http;AccountName=mute;AccountKey=bXV0ZQ==;TableEndpoint=http://"+
		mute.Addr().String()+"/mute")
	defer stop()
	dialled := make(chan struct{})
	go func() {
		if conn, err := mute.Accept(); err == nil {
			defer conn.Close()
			close(dialled)
			<-t.Context().Done()
		}
	}()
	select {
	case <-dialled:
	case <-time.After(patience):
		t.Error("the tables were never asked for, so this shows nothing")
	}
}

func names(t *testing.T, service *aztables.ServiceClient) string {
	t.Helper()
	var all []string
	for pages := service.NewListTablesPager(nil); pages.More(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range page.Tables {
			all = append(all, *table.Name)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// firstAnswer starts the handler and tells how long its first answer took; the function it gives ends the process.
func firstAnswer(t *testing.T, path string, settings ...string) (time.Duration, func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	command := exec.Command(path)
	command.Env = append(settings, fmt.Sprintf("FUNCTIONS_CUSTOMHANDLER_PORT=%d", port))
	started := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	for time.Since(started) < 10*time.Second {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err == nil {
			response.Body.Close()
			return time.Since(started), stop
		}
		time.Sleep(200 * time.Microsecond)
	}
	stop()
	t.Fatal("no answer")
	return 0, nil
}
