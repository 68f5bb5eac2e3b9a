// Command cmd runs the local Functions host in the foreground, in the place of "func start".
//
//	go run ./infra/local/host/cmd -handler bin/handler -settings local.settings.json
package main

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pgpreflight/pgpreflight/infra/local/host"
	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
)

// keyVariable holds the function key; a flag would show it in the list of processes.
const keyVariable = "LOCAL_FUNCTION_KEY"

func main() {
	if err := run(); err != nil {
		slog.Error("host ended", "error", err)
		os.Exit(1)
	}
}

func run() error {
	options, file, err := flags()
	if err != nil {
		return err
	}
	if options.Settings, err = settings(file); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	h, err := host.Start(ctx, options)
	if err != nil {
		return err
	}
	select {
	case <-h.Done():
		return errors.Join(h.Err(), h.Stop())
	case <-ctx.Done():
		return h.Stop()
	}
}

func flags() (host.Options, string, error) {
	root := flag.String("root", ".", "folder of host.json")
	handler := flag.String("handler", "", "executable instead of the one in host.json, such as bin/handler")
	file := flag.String("settings", "local.settings.json", "file with the app settings under Values; it may be missing")
	port := flag.Int("port", 7071, "port of 127.0.0.1 for HTTP")
	state := flag.String("state", "", "folder that keeps the status of timers")
	old := flag.Bool("old", false, "simulate a host without enableProxyingHttpRequest")
	flag.Parse()
	options := host.Options{
		Root:    *root,
		Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)),
		Key:     os.Getenv(keyVariable),
		OldHost: *old,
		State:   *state,
	}
	if *handler == "" {
		return options, *file, nil
	}
	// The host looks for the handler under the root; a flag is meant from here.
	var err error
	options.Handler, err = filepath.Abs(*handler)
	return options, *file, err
}

// settings reads the file; the environment wins over it, as with Core Tools.
func settings(file string) (config.Settings, error) {
	values, err := config.ReadSettings(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return values.Merge(config.FromEnvironment(os.Environ())), nil
}
