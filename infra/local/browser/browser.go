// Package browser runs a real Chromium for the tests of pages: one browser for a test and its subtests, one tab for each
// page, and what the tab complained about or asked the network for. The browser reaches loopback addresses only. Nothing
// that ships imports it.
package browser

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startWithin is generous: on a machine with every package's tests on it the first start takes long.
const startWithin = 2 * time.Minute

// Browser is a running Chromium.
type Browser struct {
	ctx context.Context
}

// find gives Chromium's program; the variable CHROMIUM names it where it is none of the usual ones.
func find() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Start starts a browser that ends with the test. The test is skipped where there is none on this machine.
func Start(t testing.TB) *Browser {
	t.Helper()
	program := find()
	if program == "" {
		t.Skip("Chromium is not installed")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options(program)...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx: ctx}
}

// options keep the browser to itself: no profile that was there before, no traffic but to loopback, the same fonts and
// colours everywhere. The sandbox needs rights that a container lacks; only our own pages are loaded.
func options(program string) []chromedp.ExecAllocatorOption {
	out := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	out = append(out, chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(startWithin),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-proxy-server", true))
	for _, flag := range []string{"disable-quic", "disable-component-update", "disable-domain-reliability", "no-pings",
		"hide-scrollbars"} {
		out = append(out, chromedp.Flag(flag, true))
	}
	return out
}

// site is the part of an address that a page's own requests share.
func site(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
