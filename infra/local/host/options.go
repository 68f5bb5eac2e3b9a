package host

import (
	"log/slog"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
)

// Options say what to run. Only Root is needed.
type Options struct {
	// Root is the folder of host.json, with the functions in Root/functions/<Name> or Root/<Name>.
	Root string
	// Handler is the executable to run instead of the one that host.json names, such as bin/handler.
	Handler string
	// Settings are the app settings. They go over the environment of this process, and both reach the handler.
	Settings map[string]string
	// Address to serve HTTP on; empty means a free port of 127.0.0.1.
	Address string
	// Key lets callers in to functions of level function and admin; empty lets everyone in, as Core Tools do.
	Key string
	// OldHost is a host that does not know enableProxyingHttpRequest yet and forwards instead.
	OldHost bool
	// State is a folder for the status of timers; empty keeps it in memory.
	State string
	// DrainLimit is how long Stop waits for calls in flight; zero means 10 s.
	DrainLimit time.Duration
	// Log gets the host's and the handler's lines; nil means slog.Default.
	Log *slog.Logger
	// OpenReceiver opens a queue by connection string and address; nil means Service Bus.
	OpenReceiver func(connectionString, address string) (queue.Receiver, error)
}
