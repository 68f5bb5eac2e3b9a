package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/link"
	"github.com/pgpreflight/pgpreflight/infra/local/bench/process"
)

// taken are the figures of one run of a program.
type taken struct {
	wallMs, cpuMs, peakMB float64
	counts                link.Counts
	output                []byte
}

// run starts a program in the client's namespace and waits for it.
func (g *ground) run(ctx context.Context, c competitor) (taken, error) {
	command := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	var output, trouble bytes.Buffer
	command.Env, command.Stdout, command.Stderr, command.Dir = c.env, &output, &trouble, g.dir
	var serverBefore float64
	if c.server != 0 {
		serverBefore = process.CPU(c.server)
	}
	g.wire.Take()
	started := time.Now()
	if err := g.client.Do(command.Start); err != nil {
		return taken{}, err
	}
	err := command.Wait()
	t := taken{wallMs: ms(time.Since(started)), output: output.Bytes()}
	if err != nil {
		return taken{}, fmt.Errorf("%s: %w\n%s%s", c.name, err, output.Bytes(), trouble.Bytes())
	}
	if !strings.Contains(output.String(), c.says) {
		return taken{}, fmt.Errorf("%s did not say %s: %s", c.name, c.says, output.Bytes())
	}
	// What is still on its way is the goodbye.
	time.Sleep(20 * time.Millisecond)
	t.counts = g.wire.Take()
	if c.server != 0 {
		t.cpuMs, t.peakMB = process.CPU(c.server)-serverBefore, processPeak(c.server)
		return t, nil
	}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.cpuMs, t.peakMB = ms(time.Duration(usage.Utime.Nano()+usage.Stime.Nano())), float64(usage.Maxrss)/1024
	}
	return t, nil
}

// exporter starts blackbox_exporter in the client's namespace, once, and gives its process number; 0 where there is none.
func (g *ground) exporter(ctx context.Context, o options) (int, error) {
	if o.blackbox == "" || g.exporterPID != 0 {
		return g.exporterPID, nil
	}
	command := exec.CommandContext(ctx, o.blackbox, "--config.file="+filepath.Join(g.dir, "blackbox.yml"),
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", exporterPort), "--log.level=error")
	command.Dir = g.dir
	if err := g.client.Do(command.Start); err != nil {
		return 0, err
	}
	g.undo = append(g.undo, func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for range 200 {
		err := g.client.Do(func() error {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", exporterPort))
			if err == nil {
				conn.Close()
			}
			return err
		})
		if err == nil {
			g.exporterPID = command.Process.Pid
			return g.exporterPID, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, fmt.Errorf("blackbox_exporter does not listen")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func processPeak(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			if err != nil {
				return 0
			}
			return kb / 1024
		}
	}
	return 0
}

func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func pick(all []taken, f func(taken) float64) float64 {
	var values []float64
	for _, t := range all {
		values = append(values, f(t))
	}
	return median(values)
}

func waits(t taken) float64 { return float64(t.counts.Total(netip.MustParseAddr(namesAddress))) }

// machine says what this was measured on.
func machine(ctx context.Context) string {
	model := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if value, found := strings.CutPrefix(line, "model name"); found {
				model = strings.TrimSpace(strings.TrimLeft(value, "\t: "))
				break
			}
		}
	}
	version := func(argv ...string) string {
		out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
		if err != nil {
			return argv[0] + " absent"
		}
		return strings.TrimSpace(string(out))
	}
	processors, err := os.ReadFile("/sys/fs/cgroup/cpu.max")
	if err != nil {
		processors = nil
	}
	return fmt.Sprintf("%s, %s, %s processors %s, Linux %s, %s, %s", time.Now().UTC().Format(time.DateOnly), model,
		version("nproc"), strings.TrimSpace(string(processors)), version("uname", "-r"), version("go", "version"), version("psql", "--version"))
}
