// Package process tells what processes have used of the processor, from Linux's /proc.
package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// CPU is the processor time of a process until now, in milliseconds, with that of its children that have ended: a
// PostgreSQL server's work is done by those. 0 where there is no such process. (proc(5); the unit is 10 ms on every Linux
// that Go runs on.)
func CPU(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 15 {
		return 0
	}
	var ticks float64
	for _, f := range fields[11:15] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return ticks * 10
}

// Child is the number of this process's own child whose command line holds a word; 0 where there is none.
func Child(word string) int {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	for _, file := range all {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // It ended meanwhile.
		}
		_, rest, found := bytes.Cut(raw, []byte(") "))
		fields := bytes.Fields(rest)
		if !found || len(fields) < 2 || string(fields[1]) != strconv.Itoa(os.Getpid()) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(line, []byte(word)) {
			return pid
		}
	}
	return 0
}
