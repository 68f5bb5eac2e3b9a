package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// coldStart is process start to first answer, in turn with an empty server that links the same SDKs.
func coldStart(ctx context.Context, g *ground, o options) error {
	const rounds = 21
	programs := []struct{ name, path string }{
		{"pgpreflight handler", filepath.Join(o.root, "bin", "handler")},
		{"empty server, the same SDKs linked, one client each", filepath.Join(g.dir, "empty")},
	}
	answers := make([][]float64, len(programs))
	used := make([][]float64, len(programs))
	for round := range rounds + 1 {
		for i, p := range programs {
			answered, cpu, err := firstAnswer(ctx, p.path)
			if err != nil {
				return err
			}
			if round > 0 {
				answers[i], used[i] = append(answers[i], answered), append(used[i], cpu)
			}
		}
	}
	fmt.Printf("## Cold start, in turn, median of %d\n\n| program | first answer ms | ratio | CPU ms | binary MB |\n|--|--|--|--|--|\n", rounds)
	for i, p := range programs {
		info, err := os.Stat(p.path)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.1f | %.2f | %.1f | %.1f |\n", p.name, median(answers[i]), median(answers[0])/median(answers[i]),
			median(used[i]), float64(info.Size())/1e6)
	}
	fmt.Println("\nThe ratio is the handler's over the row's.")
	fmt.Println()
	return nil
}

// firstAnswer starts a program with no settings, as the host does, and asks until it answers.
func firstAnswer(ctx context.Context, path string) (answeredMs, cpuMs float64, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return 0, 0, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, 0, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return 0, 0, err
	}
	command := exec.CommandContext(ctx, absolute)
	command.Env = []string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + port}
	started := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
			cpuMs = ms(time.Duration(usage.Utime.Nano() + usage.Stime.Nano()))
		}
	}()
	for time.Since(started) < 10*time.Second {
		answer, err := http.Get("http://" + address + "/")
		if err == nil {
			answer.Body.Close()
			return ms(time.Since(started)), 0, nil
		}
		time.Sleep(100 * time.Microsecond)
	}
	return 0, 0, fmt.Errorf("%s gave no answer", path)
}
